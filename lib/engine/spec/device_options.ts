import { GantryError } from "../../base/errors.ts";
import type { Device } from "../../wire/oci.ts";
import type { DeviceRule } from "../../wire/oci_resources.ts";
import type { DeviceOption } from "../container_options.ts";
import { allDevicesRule, defaultDeviceRules, type GrantedDevice } from "./devices.ts";
import { cleanPath } from "./paths.ts";
import { refusal, type Refuse } from "./refusal.ts";

/** What devices a container gets depends on. */
export interface DeviceRequest {
  /** What `--device` named. */
  readonly granted: readonly GrantedDevice[];
  readonly privileged: boolean;
  /** Every device of the host, for a privileged container. */
  readonly hostDevices: readonly Device[];
}

/** Nodes to make, rules that let them be used, and what had no effect. */
export interface ComposedDevices {
  readonly devices: readonly Device[];
  readonly rules: readonly DeviceRule[];
  readonly warnings: readonly string[];
}

/**
 * A device as `--device` takes it: `SOURCE[:TARGET][:ACCESS]`, absolute paths, access of the letters r, w and m (mknod);
 * by default it is at the same path and everything is allowed. Anything else is `invalid_argument`.
 */
export function parseDevice(text: string): DeviceOption {
  const refuse = refusal("--device", text);
  const [source = "", ...rest] = text.split(":");
  const hasTarget = rest[0]?.startsWith("/") === true;
  const [target = source, access = "rwm", ...more] = hasTarget ? rest : [source, ...rest];
  if (more.length > 0) throw refuse("has too many colons", shape);
  if (!/^(?!.*(.).*\1)[rwm]{1,3}$/.test(access)) {
    throw refuse(
      `has the access ${JSON.stringify(access)}`,
      "access is one or more of the letters r, w and m, e.g. rw",
    );
  }
  return { source: devicePath(source, refuse), target: devicePath(target, refuse), access };
}

/**
 * The default devices and what was granted beside them. A privileged container has every device anyway: what is granted at
 * another path is added. Two devices at one path are `invalid_argument`.
 */
export function composeDevices({ granted, privileged, hostDevices }: DeviceRequest): ComposedDevices {
  assertDistinct(granted);
  if (privileged) {
    const moved = granted.filter(({ device, source }) => device.path !== source);
    const targets = moved.map(({ device }) => device.path);
    const limited = granted.filter(({ access }) => access.length < 3);
    return {
      devices: [...hostDevices.filter(({ path }) => !targets.includes(path)), ...moved.map(({ device }) => device)],
      rules: allDevicesRule,
      warnings: limited.map(({ source, access }) =>
        `--device ${source}: the access ${access} has no effect together with --privileged`
      ),
    };
  }
  const rules = granted.map(({ device: { type, major, minor }, access }) => ({
    allow: true,
    type,
    major,
    minor,
    access,
  }));
  return { devices: granted.map(({ device }) => device), rules: [...defaultDeviceRules, ...rules], warnings: [] };
}

const shape = "write SOURCE[:TARGET][:ACCESS], e.g. /dev/fuse or /dev/sda:/dev/disk:r";

function assertDistinct(granted: readonly GrantedDevice[]): void {
  const paths = granted.map(({ device }) => device.path);
  const twice = paths.find((path, index) => paths.indexOf(path) !== index);
  if (twice === undefined) return;
  throw new GantryError("invalid_argument", `--device puts two devices at ${twice}`, {
    hint: "give one of them another path: --device SOURCE:TARGET",
  });
}

function devicePath(path: string, refuse: Refuse): string {
  if (path.includes("\0")) throw refuse("contains a NUL");
  if (!path.startsWith("/")) throw refuse(`has the path ${JSON.stringify(path)}, which is not absolute`, shape);
  const clean = cleanPath(path);
  if (clean === "/") throw refuse("has / as a path", shape);
  return clean;
}
