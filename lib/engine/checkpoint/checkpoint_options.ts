/** How CRIU is to treat what ties a container to the rest of the world. Needed again when the checkpoint is restored. */
export interface CriuOptions {
  /** Takes over established TCP connections; the other end must still be there at restore. Default false: an error. */
  readonly tcpEstablished?: boolean | undefined;
  /** Takes file locks over. Default false: an error. */
  readonly fileLocks?: boolean | undefined;
  /** Allows unix sockets whose other end is outside the container. Default false: an error. */
  readonly extUnixSk?: boolean | undefined;
  /** Allows a session or terminal that began outside the container. Default false: an error. */
  readonly shellJob?: boolean | undefined;
  /** Leaves the network namespace empty: no interface, no address is restored. Default false. */
  readonly emptyNet?: boolean | undefined;
  /** At restore only: closes the connections instead of taking them over. Default false. */
  readonly tcpClose?: boolean | undefined;
}

/** The options that are switched on, as users give them, e.g. `tcp-established`. */
export function namesOfOptions(options: CriuOptions): readonly string[] {
  return optionNames.filter(([key]) => options[key] === true).map(([, name]) => name);
}

/** The fields of {@link CriuOptions} out of a parsed document; what is not `true` is off. */
export function criuOptionsOf(record: { readonly [K in keyof CriuOptions]?: unknown }): CriuOptions {
  return Object.fromEntries(optionNames.filter(([key]) => record[key] === true).map(([key]) => [key, true]));
}

const optionNames = [
  ["tcpEstablished", "tcp-established"],
  ["fileLocks", "file-locks"],
  ["extUnixSk", "ext-unix-sk"],
  ["shellJob", "shell-job"],
  ["emptyNet", "empty-net"],
  ["tcpClose", "tcp-close"],
] as const satisfies readonly (readonly [keyof CriuOptions, string])[];
