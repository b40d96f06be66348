import type { Spec } from "../../wire/oci.ts";
import { defaultCapabilities } from "../spec/capability_set.ts";
import type { DeviceMapping, HostConfig } from "./host_config_document.ts";

/** What a container may do, among the fields of `HostConfig`. */
export type PrivilegeFields = Pick<
  HostConfig,
  "CapAdd" | "CapDrop" | "Privileged" | "SecurityOpt" | "Devices" | "MaskedPaths" | "ReadonlyPaths"
>;

/** The privileges of a spec, as what was changed of docker's defaults. */
export function privilegeFields(spec: Spec | undefined): PrivilegeFields {
  const privileged = spec !== undefined && isPrivileged(spec);
  const changes = privileged || spec === undefined ? { add: [], drop: [] } : capabilityChanges(spec);
  return {
    CapAdd: listOrNull(changes.add),
    CapDrop: listOrNull(changes.drop),
    Privileged: privileged,
    SecurityOpt: listOrNull(spec === undefined ? [] : securityOptions(spec, privileged)),
    // A privileged container has all the devices of the host, which is not what anybody asked for one by one.
    Devices: privileged || spec === undefined ? [] : deviceMappings(spec),
    MaskedPaths: spec?.linux?.maskedPaths ?? null,
    ReadonlyPaths: spec?.linux?.readonlyPaths ?? null,
  };
}

/** `--privileged` leaves no trace of its own: it is every device allowed, nothing masked, and more than the default set. */
function isPrivileged({ linux, process }: Spec): boolean {
  const allowsAll = linux?.resources?.devices?.some(({ allow, type, major, minor, access }) =>
    allow && (type ?? "a") === "a" && (major ?? -1) < 0 && (minor ?? -1) < 0 && (access ?? "rwm") === "rwm"
  );
  const bounding = process?.capabilities?.bounding ?? [];
  return allowsAll === true && (linux?.maskedPaths ?? []).length === 0 && bounding.includes("CAP_SYS_ADMIN");
}

function capabilityChanges({ process }: Spec): { readonly add: readonly string[]; readonly drop: readonly string[] } {
  const bounding = process?.capabilities?.bounding ?? [];
  return {
    add: bounding.filter((name) => !defaultCapabilities.includes(name)),
    drop: defaultCapabilities.filter((name) => !bounding.includes(name)),
  };
}

function securityOptions({ process, linux }: Spec, privileged: boolean): readonly string[] {
  const isBare = (linux?.maskedPaths ?? []).length === 0 && (linux?.readonlyPaths ?? []).length === 0;
  return [
    ...(process?.noNewPrivileges === true ? ["no-new-privileges"] : []),
    ...((process?.apparmorProfile ?? "") === "" ? [] : [`apparmor=${process?.apparmorProfile}`]),
    ...(linux?.seccomp === undefined && !privileged ? ["seccomp=unconfined"] : []),
    ...(isBare && !privileged ? ["systempaths=unconfined"] : []),
  ];
}

function deviceMappings({ linux }: Spec): readonly DeviceMapping[] {
  const rules = linux?.resources?.devices ?? [];
  return (linux?.devices ?? []).map(({ path, type, major, minor }) => ({
    PathOnHost: path,
    PathInContainer: path,
    CgroupPermissions:
      rules.findLast((rule) => rule.allow && rule.type === type && rule.major === major && rule.minor === minor)
        ?.access ?? "rwm",
  }));
}

function listOrNull(list: readonly string[]): readonly string[] | null {
  return list.length === 0 ? null : list;
}
