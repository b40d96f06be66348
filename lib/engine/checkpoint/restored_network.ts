import type { Hook, Spec } from "../../wire/oci.ts";

/** Argument zero of the hook, by which it is known again. */
const marker = "gantry-restored-network";

/**
 * Run by runc in the host's namespaces when CRIU has made the container's and before it restores sockets; the runtime's state
 * is on stdin, settings of the kernel are arguments. What cannot be set was not there either when the container started.
 */
const script =
  'read -r state || :; pid=${state#*\'"pid":\'}; pid=${pid%%[!0-9]*}; exec nsenter --target "$pid" --net ' +
  '/bin/sh -c \'ip link set lo up || exit; for s; do echo "${s#*=}" >"/proc/sys/${s%%=*}"; done 2>/dev/null; exit 0\' sh "$@"';

/** CRIU needs `ip` itself; nsenter is util-linux. */
const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * The spec for a restore into a network namespace of the container's own. runc tells CRIU to leave networks alone, so that
 * namespace comes back empty: without its loopback no connection inside of it, old or new, would work.
 */
export function withRestoredNetwork(spec: Spec): Spec {
  const { hooks, linux } = spec;
  const isOwn = linux?.namespaces?.some(({ type, path }) => type === "network" && (path ?? "") === "") === true;
  const before = hooks?.createRuntime ?? [];
  if (!isOwn || before.some(({ args }) => args?.[0] === marker)) return spec;
  const settings = Object.entries(linux?.sysctl ?? {}).filter(([name]) => name.startsWith("net."));
  const hook: Hook = {
    path: "/bin/sh",
    args: [marker, "-c", script, "sh", ...settings.map(([name, value]) => `${name.replaceAll(".", "/")}=${value}`)],
    env: [path],
    timeout: 10,
  };
  return { ...spec, hooks: { ...hooks, createRuntime: [...before, hook] } };
}
