/** Made-up inputs for specs. */
import assert from "node:assert/strict";
import { type ErrorCode, GantryError } from "../../../lib/base/errors.ts";
import type { ContainerOptions } from "../../../lib/engine/container_options.ts";
import type { SpecInput } from "../../../lib/engine/spec/build.ts";
import type { HostFacts } from "../../../lib/engine/spec/host_facts.ts";
import type { ResolvedInputs } from "../../../lib/engine/spec/resolve_inputs.ts";
import { allCapabilities } from "../../../lib/wire/capabilities.ts";

/** An id of 64 digits. */
export const sampleId: string = "0123456789abcdef".repeat(4);

/** A host that can do everything, on cgroup v2. */
export const fullHost: HostFacts = {
  architecture: "x86_64",
  kernel: "6.1.0-18-amd64",
  hostname: "mill",
  cpus: 4,
  cgroup: {
    mode: "v2",
    memory: true,
    swap: true,
    cpu: true,
    cpuShares: true,
    cpuset: { cpus: "0-3", mems: "0" },
    pids: true,
    ioWeight: true,
  },
  cgroupNamespaces: true,
  capabilities: allCapabilities,
  oomScoreAdj: 0,
  hardLimits: { nofile: 20_000, core: 2 ** 64 },
  maxOpenFiles: 1_048_576,
  apparmor: true,
  seccomp: true,
  networkSysctls: ["net.ipv4.ip_unprivileged_port_start", "net.ipv4.ping_group_range"],
  thermalPaths: [],
};

const plainOptions: ContainerOptions = {
  rootfs: { path: "/srv/rootfs", overlay: false },
  command: ["sh"],
  env: [],
  tty: false,
  stdin: false,
  mounts: [],
  readOnly: false,
  network: "none",
  capAdd: [],
  capDrop: [],
  privileged: false,
  securityOpt: [],
  labels: {},
};

const plainResolved: ResolvedInputs = {
  user: { uid: 0, gid: 0, groups: [0], home: "/root" },
  extraGroups: [],
  seccompProfile: undefined,
  hostDevices: [],
  devices: [],
  init: undefined,
  hostFiles: [],
  hostTexts: {},
  specFile: undefined,
};

/** Parts of an input that differ from the plain one. */
export interface InputParts {
  readonly options?: Partial<ContainerOptions>;
  readonly host?: Partial<HostFacts>;
  readonly resolved?: Partial<ResolvedInputs>;
}

/** Options of `run --rootfs /srv/rootfs -- sh`, with what is given over them. */
export function containerOptions(given: Partial<ContainerOptions> = {}): ContainerOptions {
  return { ...plainOptions, ...given };
}

/** A host with nothing but the names of the controllers: no limit can be set on it. */
export const bareCgroup: HostFacts["cgroup"] = {
  mode: "v1",
  memory: false,
  swap: false,
  cpu: false,
  cpuShares: false,
  cpuset: undefined,
  pids: false,
  ioWeight: false,
};

/** A whole input for `buildSpec`. */
export function specInput(parts: InputParts = {}): SpecInput {
  return {
    id: sampleId,
    namespace: "default",
    dataDir: "/data",
    options: containerOptions(parts.options),
    host: { ...fullHost, ...parts.host },
    resolved: { ...plainResolved, ...parts.resolved },
  };
}

/** For assert.throws and assert.rejects: a GantryError of this code whose message and hint match. */
export function gantryError(code: ErrorCode, message: RegExp, hint?: RegExp): (error: unknown) => true {
  return (error) => {
    if (!(error instanceof GantryError)) assert.fail(String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    if (hint !== undefined) assert.match(error.hint ?? "", hint);
    return true;
  };
}
