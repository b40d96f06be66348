import type { Spec } from "../../wire/oci.ts";
import { boolean, dictionary, integer, list, object, type Shape, text } from "./shape.ts";

const uint16 = integer({ min: 0, max: 2 ** 16 - 1 });
const uint32 = integer({ min: 0, max: 2 ** 32 - 1 });
const uint64 = integer({ min: 0, max: 2 ** 64 });
const int64 = integer({ min: -(2 ** 63), max: 2 ** 63 });
const texts = list(text);
const textMap = dictionary(text);

const hook = object({ path: text, args: texts, env: texts, timeout: int64 }, ["path"]);

const seccompArgument = object({ index: uint32, value: uint64, valueTwo: uint64, op: text }, ["index", "value", "op"]);

const linux = object({
  namespaces: list(object({ type: text, path: text }, ["type"])),
  uidMappings: list(object({ containerID: uint32, hostID: uint32, size: uint32 })),
  gidMappings: list(object({ containerID: uint32, hostID: uint32, size: uint32 })),
  devices: list(
    object({ path: text, type: text, major: int64, minor: int64, fileMode: uint32, uid: uint32, gid: uint32 }, [
      "path",
      "type",
    ]),
  ),
  cgroupsPath: text,
  resources: object({
    devices: list(object({ allow: boolean, type: text, major: int64, minor: int64, access: text }, ["allow"])),
    memory: object({
      limit: int64,
      reservation: int64,
      swap: int64,
      swappiness: uint64,
      disableOOMKiller: boolean,
    }),
    cpu: object({ shares: uint64, quota: int64, period: uint64, cpus: text, mems: text }),
    pids: object({ limit: int64 }, ["limit"]),
    blockIO: object({ weight: uint16 }),
  }),
  rootfsPropagation: text,
  seccomp: object({
    defaultAction: text,
    defaultErrnoRet: uint32,
    architectures: texts,
    flags: texts,
    listenerPath: text,
    listenerMetadata: text,
    syscalls: list(
      object({ names: texts, action: text, errnoRet: uint32, args: list(seccompArgument) }, ["names", "action"]),
    ),
  }, ["defaultAction"]),
  sysctl: textMap,
  maskedPaths: texts,
  readonlyPaths: texts,
  mountLabel: text,
});

const process = object({
  terminal: boolean,
  consoleSize: object({ height: uint32, width: uint32 }, ["height", "width"]),
  user: object({ uid: uint32, gid: uint32, umask: uint32, additionalGids: list(uint32) }, ["uid", "gid"]),
  args: texts,
  env: texts,
  cwd: text,
  capabilities: object({
    bounding: texts,
    effective: texts,
    inheritable: texts,
    permitted: texts,
    ambient: texts,
  }),
  rlimits: list(object({ type: text, hard: uint64, soft: uint64 }, ["type", "hard", "soft"])),
  noNewPrivileges: boolean,
  apparmorProfile: text,
  oomScoreAdj: integer({ min: -1000, max: 1000 }),
  selinuxLabel: text,
}, ["user", "args", "cwd"]);

/** The parts of an OCI config.json that gantry relies on. */
export const specShape: Shape = object({
  ociVersion: text,
  process,
  root: object({ path: text, readonly: boolean }, ["path"]),
  hostname: text,
  domainname: text,
  mounts: list(object({ destination: text, type: text, source: text, options: texts }, ["destination"])),
  hooks: dictionary(list(hook)),
  annotations: textMap,
  linux,
}, ["ociVersion"]);

/** True when {@link specShape} finds nothing wrong. */
export function isSpec(value: unknown): value is Spec {
  return specShape(value, "") === undefined;
}
