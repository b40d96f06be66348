/**
 * The containerds that tests run against: the versions whose behaviour differs, from the host or from the private
 * prefix that `scripts/setup --tests` fills. Nothing is pinned, so the version that was really run is part of each entry.
 */

/** Which of the three generations an entry stands for; {@link ContainerdVersion.version} says what it really is. */
export type ContainerdLabel = "1.6" | "1.7" | "2.1";

/** One containerd with the programs that came with it. */
export interface ContainerdVersion {
  readonly label: ContainerdLabel;
  /** Absolute path of `containerd`. */
  readonly containerd: string;
  /** Absolute path of `containerd-shim-runc-v2`. */
  readonly shim: string;
  /** Absolute path of `ctr`. */
  readonly ctr: string;
  /** The folder that holds them, to be put first in PATH. */
  readonly bin: string;
  /** What `containerd --version` answers, e.g. `1.7.24~ds1`; empty when it is not installed. */
  readonly version: string;
  /** Why it cannot be tested here; undefined when it can. Pass it to `test()` as `skip`. */
  readonly skip?: string | undefined;
}

/** A CRIU that works on new kernels (4.0 or later). */
export interface CriuVersion {
  /** Absolute path of `criu`. */
  readonly criu: string;
  /** The folder that holds it, to be put first in PATH. */
  readonly bin: string;
  /** E.g. `4.1.1`; empty when it is not installed. */
  readonly version: string;
  /** Why it cannot be tested here; undefined when it can. */
  readonly skip?: string | undefined;
}

/** The project's folder, with a slash at the end. */
export const projectDir: string = new URL("../../", import.meta.url).pathname;

/** Where `scripts/setup --tests` unpacks programs of other Debian suites. */
export const prefixDir: string = `${projectDir}.cache/prefix`;

const labels: readonly ContainerdLabel[] = ["1.6", "1.7", "2.1"];

let found: readonly ContainerdVersion[] | undefined;

/**
 * One entry for each generation, oldest first, also for those that are not installed (they carry a `skip`).
 * GANTRY_TEST_VERSIONS=1.6,2.1 has only these.
 */
export function containerdVersions(): readonly ContainerdVersion[] {
  const chosen = (Deno.env.get("GANTRY_TEST_VERSIONS") ?? "").split(",").filter((label) => label !== "");
  const unknown = chosen.find((label) => !labels.some((known) => known === label));
  if (unknown !== undefined) throw new RangeError(`GANTRY_TEST_VERSIONS: ${unknown} is none of ${labels.join(", ")}`);
  return allVersions().filter(({ label }) => chosen.length === 0 || chosen.includes(label));
}

/** The entry of one generation. */
export function containerdVersion(label: ContainerdLabel): ContainerdVersion {
  const version = allVersions().find((candidate) => candidate.label === label);
  if (version === undefined) throw new TypeError(`no containerd generation ${label}`);
  return version;
}

function allVersions(): readonly ContainerdVersion[] {
  return found ??= labels.map(findContainerd);
}

/** CRIU from the private prefix; the host's when that is missing and new enough. */
export function criuVersion(): CriuVersion {
  for (const bin of [`${prefixDir}/criu/bin`, "/usr/sbin"]) {
    const criu = `${bin}/criu`;
    const version = /^Version: (\S+)/m.exec(outputOf(criu, ["--version"]))?.[1];
    if (version !== undefined && Number.parseInt(version) >= 4) return { criu, bin, version };
  }
  return {
    criu: "criu",
    bin: "/usr/sbin",
    version: "",
    skip: "no CRIU 4 or later here: run scripts/setup --tests",
  };
}

/** Path of the seccomp profile that Debian's golang-github-containers-common installs; undefined when it is not there. */
export function debianSeccompProfile(): string | undefined {
  const inPackage = "usr/share/containers/seccomp.json";
  return [`${prefixDir}/containers-common/${inPackage}`, `/${inPackage}`].find(isFile);
}

/** The packaged root of one generation: the private prefix wins, so that a host's upgrade does not change what is tested. */
function findContainerd(label: ContainerdLabel): ContainerdVersion {
  const candidates = [`${prefixDir}/containerd-${label}/usr/bin`, "/usr/bin", "/usr/local/bin", "/usr/sbin"];
  for (const bin of candidates) {
    const paths = pathsIn(bin);
    if (!isFile(paths.containerd)) continue;
    const version = outputOf(paths.containerd, ["--version"]).split(/\s+/)[2]?.replace(/^v/, "") ?? "";
    const isPrivate = bin.startsWith(prefixDir);
    if (!isPrivate && !version.startsWith(`${label}.`)) continue;
    if (version === "") return { label, ...paths, version, skip: `${paths.containerd} --version says nothing` };
    const missing = [paths.shim, paths.ctr].find((path) => !isFile(path));
    return missing === undefined
      ? { label, ...paths, version }
      : { label, ...paths, version, skip: `${missing} is missing: run scripts/setup --tests` };
  }
  return {
    label,
    ...pathsIn(`${prefixDir}/containerd-${label}/usr/bin`),
    version: "",
    skip: `containerd ${label} is not installed: run scripts/setup --tests`,
  };
}

function pathsIn(bin: string): Pick<ContainerdVersion, "bin" | "containerd" | "shim" | "ctr"> {
  return { bin, containerd: `${bin}/containerd`, shim: `${bin}/containerd-shim-runc-v2`, ctr: `${bin}/ctr` };
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function outputOf(program: string, args: readonly string[]): string {
  try {
    const { stdout } = new Deno.Command(program, { args: [...args], stdin: "null", stderr: "null" }).outputSync();
    return new TextDecoder().decode(stdout);
  } catch {
    return "";
  }
}
