import type { Mount, Spec } from "../../wire/oci.ts";
import { initMount } from "../spec/init_program.ts";
import { propagations } from "../spec/mount_options.ts";
import type { MountDocument } from "./document.ts";

/** The mounts of a container, sorted by who wanted them. */
export interface SortedMounts {
  /** Those the user asked for, as docker shows them. */
  readonly user: readonly MountDocument[];
  /** Host paths of what is mounted over /etc/resolv.conf, /etc/hosts and /etc/hostname by gantry itself. */
  readonly files: Readonly<Record<string, string>>;
}

/** Files that gantry mounts: the host's own in its network, or some it wrote into the container's data directory. */
const ownFiles: readonly string[] = ["/etc/resolv.conf", "/etc/hosts", "/etc/hostname"];

/** Where containers have a tmpfs, or the host's shared memory, without anybody asking. */
const ownTmpfs: readonly string[] = ["/dev", "/dev/shm", "/run"];

/** Where gantry puts an init. */
const initPath = initMount("").destination;

/** Sorts the mounts of a spec. `dataDir` is the container's own directory; undefined when gantry did not make it. */
export function sortMounts(spec: Spec | undefined, dataDir: string | undefined): SortedMounts {
  const mounts = spec?.mounts ?? [];
  const isOwn = (mount: Mount): boolean => isOwnFile(mount, dataDir) || isBuiltIn(mount);
  return {
    user: mounts.filter((mount) => !isOwn(mount)).flatMap(documentOf),
    files: Object.fromEntries(
      mounts.filter((mount) => isOwnFile(mount, dataDir)).map(({ destination, source = "" }) => [destination, source]),
    ),
  };
}

/** A mount in the form of -v: `SOURCE:DESTINATION[:OPTIONS]`. */
export function bindText({ Source, Destination, Mode }: MountDocument): string {
  return `${Source}:${Destination}${Mode === "" ? "" : `:${Mode}`}`;
}

function isOwnFile({ destination, source = "" }: Mount, dataDir: string | undefined): boolean {
  if (!ownFiles.includes(destination)) return false;
  return source === destination || (dataDir !== undefined && source.startsWith(`${dataDir}/`));
}

function isBuiltIn({ type, destination, source, options = [] }: Mount): boolean {
  if (isBind({ type, destination, options })) {
    return destination === initPath || (destination === "/dev/shm" && source === "/dev/shm");
  }
  // The user's own always have a propagation.
  return type !== "tmpfs" || (ownTmpfs.includes(destination) && !options.some((word) => propagations.includes(word)));
}

/** runc mounts by the options, whatever the type says. */
function isBind({ type, options = [] }: Mount): boolean {
  return type === "bind" || options.includes("bind") || options.includes("rbind");
}

function documentOf(mount: Mount): readonly MountDocument[] {
  const { destination, source = "", options = [] } = mount;
  const propagation = options.findLast((word) => propagations.includes(word)) ?? "rprivate";
  // What is the default is not said.
  const unsaid = ["rbind", "bind", "rw", "rprivate", ...isBind(mount) ? [] : ["nosuid", "nodev", "noexec"]];
  const common = {
    Destination: destination,
    Mode: options.filter((word) => !unsaid.includes(word)).join(","),
    RW: !options.includes("ro"),
  };
  return isBind(mount)
    ? [{ Type: "bind", Source: source, ...common, Propagation: propagation }]
    : [{ Type: "tmpfs", Source: "", ...common, Propagation: "" }];
}
