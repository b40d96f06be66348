import { Options } from "../../proto/gen/runc/options.ts";
import type { Any } from "../../proto/gen/google/protobuf/any.ts";

/** Which OCI runtime a shim calls, and how. Every field's default is the shim's. */
export interface RuntimeOptions {
  /** The runtime's program: a path, or a name to be found by PATH; default `runc`. */
  readonly binary?: string | undefined;
  /** Directory of the runtime's state, without the namespace; default /run/containerd/runc. */
  readonly root?: string | undefined;
  /** Has systemd make the control groups. */
  readonly systemdCgroup?: boolean | undefined;
  /** Control group that the shim itself joins; it must exist. */
  readonly shimCgroup?: string | undefined;
  /** Uses chroot where the root filesystem cannot be pivoted (a ramdisk). */
  readonly noPivotRoot?: boolean | undefined;
  /** Shares the session keyring. */
  readonly noNewKeyring?: boolean | undefined;
}

/** Where the runc shims have the runtime keep its state unless they are told otherwise. */
export const defaultRuntimeRoot = "/run/containerd/runc";

/** The options as the runc shim takes them with Create. `criuWork` is where CRIU leaves the log of a restore. */
export function packRuntimeOptions(options: RuntimeOptions, criuWork = ""): Any {
  const { binary = "", root = "", shimCgroup = "" } = options;
  const message = Options.fromPartial({
    binaryName: binary,
    root,
    shimCgroup,
    systemdCgroup: options.systemdCgroup ?? false,
    noPivotRoot: options.noPivotRoot ?? false,
    noNewKeyring: options.noNewKeyring ?? false,
    criuWorkPath: criuWork,
  });
  return { typeUrl: "containerd.runc.v1.Options", value: Options.encode(message).finish() };
}

/** The options as the shims keep them in a bundle's options.json, from where their `delete` reads them. */
export function runtimeOptionsJson(options: RuntimeOptions): string {
  return JSON.stringify({
    no_pivot_root: options.noPivotRoot || undefined,
    no_new_keyring: options.noNewKeyring || undefined,
    shim_cgroup: options.shimCgroup || undefined,
    binary_name: options.binary || undefined,
    root: options.root || undefined,
    systemd_cgroup: options.systemdCgroup || undefined,
  });
}
