/** `Config` of docker's inspect: what runs in the container, whatever host it is on. */
export interface ContainerConfig {
  readonly Hostname: string;
  readonly Domainname: string;
  /** `UID:GID` as numbers; empty for root. */
  readonly User: string;
  readonly AttachStdin: boolean;
  readonly AttachStdout: boolean;
  readonly AttachStderr: boolean;
  readonly Tty: boolean;
  readonly OpenStdin: boolean;
  readonly StdinOnce: boolean;
  readonly Env: readonly string[];
  /** argv, an entry point included: the spec does not tell them apart. */
  readonly Cmd: readonly string[];
  readonly Image: string;
  readonly Volumes: null;
  readonly WorkingDir: string;
  readonly Entrypoint: null;
  readonly Labels: Readonly<Record<string, string>>;
  /** Signal of a polite stop, e.g. `SIGTERM`. */
  readonly StopSignal: string;
  /** Seconds between the polite stop and KILL. */
  readonly StopTimeout: number;
}
