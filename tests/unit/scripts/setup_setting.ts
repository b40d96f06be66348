/** A made-up machine for scripts/setup: a copy of the scripts, and a PATH on which the package tools are fakes. */
import { projectDir } from "../../support/versions.ts";

/** How scripts/setup ended. */
export interface SetupEnd {
  readonly code: number;
  /** What it said; it prints on standard error only. */
  readonly said: string;
}

/** The made-up machine. */
export interface SetupSetting {
  /** The project's folder. */
  readonly project: string;
  /** Puts a shell script on PATH. */
  fake(name: string, script: string): Promise<void>;
  /** Takes a program off PATH. */
  remove(name: string): Promise<void>;
  /** What the fake package tools were asked, one line a call. */
  calls(): Promise<readonly string[]>;
  /** Runs scripts/setup. */
  setup(args?: readonly string[], options?: { readonly uid?: number | undefined }): Promise<SetupEnd>;
}

const modern = 'echo "deno 2.9.6 (stable)"';

/** Fakes that record their calls; apt-get "installs" by making a fake of the package's name. */
const recorders: Readonly<Record<string, string>> = {
  "apt-get": 'echo "apt-get $*" >>"$CALLS"; case "$*" in *install*) for last do :; done; ' +
    'printf "#!/bin/sh\\n" >"$BIN/$last"; chmod 755 "$BIN/$last";; esac',
  npm: 'echo "npm $*" >>"$CALLS"; d=$3/node_modules/@deno/linux-x64-glibc; mkdir -p "$d"; ' +
    'printf \'#!/bin/sh\\necho "deno 2.9.6 (fake)"\\n\' >"$d/deno"; chmod 755 "$d/deno"',
  deno: modern,
  containerd: 'echo "containerd x 1.6.20 y"',
  runc: "",
  iptables: "",
  criu: "",
  protoc: "",
  crun: "",
  "tini-static": "",
  sleep: "",
};

/** Makes the machine with everything on it, runs the body, removes it. */
export async function withMachine(body: (setting: SetupSetting) => Promise<void>): Promise<void> {
  const home = await Deno.makeTempDir();
  await Deno.chmod(home, 0o755);
  const [project, bin] = [`${home}/project`, `${home}/bin`];
  try {
    await Deno.mkdir(`${project}/node_modules`, { recursive: true });
    await run("cp", ["-r", `${projectDir}scripts`, project]);
    // Only setup's own tools come from the host.
    await Deno.mkdir(bin);
    for (const tool of hostTools) await Deno.symlink(`/usr/bin/${tool}`, `${bin}/${tool}`).catch(() => {});
    await Deno.writeTextFile(`${project}/deno.lock`, "{}");
    await Deno.writeTextFile(`${project}/node_modules/.installed.lock`, "{}");
    const setting: SetupSetting = {
      project,
      fake: async (name, script) => {
        await Deno.writeTextFile(`${bin}/${name}`, `#!/bin/sh\n${script}\n`);
        await Deno.chmod(`${bin}/${name}`, 0o755);
      },
      remove: (name) => Deno.remove(`${bin}/${name}`),
      calls: async () =>
        (await Deno.readTextFile(`${home}/calls`).catch(() => "")).split("\n").filter((line) => line !== ""),
      setup: async (args = [], { uid } = {}) => {
        const env = { PATH: bin, BIN: bin, CALLS: `${home}/calls`, HOME: home };
        const { code, stderr, stdout } = await run(`${project}/scripts/setup`, args, env, uid);
        return { code, said: stdout + stderr };
      },
    };
    for (const [name, script] of Object.entries(recorders)) await setting.fake(name, script);
    await body(setting);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

const hostTools = [
  ..."sh sed grep id mkdir rm mv ln ls cp cat cmp tail head dirname flock ldd bash uname env find sort paste readlink"
    .split(" "),
  ..."test printf chmod dpkg-deb".split(" "),
];

async function run(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  uid?: number,
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    env: { ...env },
    stdin: "null",
    ...(uid === undefined ? {} : { uid, gid: uid }),
  }).output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}
