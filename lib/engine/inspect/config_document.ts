/** `Config` of docker's inspect: what runs in the container, whatever host it is on. */
export interface ContainerConfig {
  /** Host name. */
  readonly Hostname: string;
  /** Domain name; empty for none. */
  readonly Domainname: string;
  /** `UID:GID` as numbers; empty for root. */
  readonly User: string;
  /** Its stdin is open, and somebody attended to it from the start. */
  readonly AttachStdin: boolean;
  /** Somebody attended to it from the start: its output does not go to files. */
  readonly AttachStdout: boolean;
  /** Likewise, without a terminal. */
  readonly AttachStderr: boolean;
  /** It has a terminal. */
  readonly Tty: boolean;
  /** Its stdin is kept open. */
  readonly OpenStdin: boolean;
  /** As `AttachStdin`. */
  readonly StdinOnce: boolean;
  /** `KEY=VALUE`. */
  readonly Env: readonly string[];
  /** argv, an entry point included: the spec does not tell them apart. */
  readonly Cmd: readonly string[];
  /** Image reference, or the directory it was made from. */
  readonly Image: string;
  /** Always null: see `Mounts`. */
  readonly Volumes: null;
  /** Absolute path in the container. */
  readonly WorkingDir: string;
  /** Always null: see `Cmd`. */
  readonly Entrypoint: null;
  /** All labels, gantry's own included. */
  readonly Labels: Readonly<Record<string, string>>;
  /** Signal of a polite stop, e.g. `SIGTERM`. */
  readonly StopSignal: string;
  /** Seconds between the polite stop and KILL. */
  readonly StopTimeout: number;
}
