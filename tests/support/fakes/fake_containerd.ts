/** Little real programs that stand in for containerd where the real one cannot be made to fail that way. */

/** How a fake behaves. */
export interface FakeContainerd {
  /** What `--version` does, as shell; default prints a version of 1.7. */
  readonly version?: string | undefined;
  /** What a start does, as shell; `$CONFIG` is the configuration's path. */
  readonly body: string;
}

/** Prints what containerd 1.7 would. */
export const goodVersion = 'echo "containerd example.org/fake 1.7.99 fake"';

/** Stays alive without ever serving. TERM ends it. */
export const hangs = "exec sleep 1000";

/** Stays alive without ever serving, and only KILL ends it. */
export const ignoresTerm = "trap '' TERM; while :; do sleep 0.05; done";

/** Writes a fake as an executable shell script and gives its path. */
export async function writeFake(path: string, { version = goodVersion, body }: FakeContainerd): Promise<string> {
  const script = `#!/bin/sh
case "$1" in
  --version) ${version}; exit 0;;
esac
CONFIG=$2
${body}
`;
  await Deno.writeTextFile(path, script, { mode: 0o755 });
  return path;
}
