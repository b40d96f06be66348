import { GantryError } from "../../base/errors.ts";
import { didYouMean } from "../../base/suggest.ts";
import type { Rlimit } from "../../wire/oci.ts";
import type { UlimitOption } from "../container_options.ts";
import type { HostFacts } from "./host_facts.ts";
import { refusal, type Refuse } from "./refusal.ts";

/** RLIM_INFINITY, 2^64 - 1, as the nearest double; `encodeOci` writes it exactly. */
export const rlimInfinity: number = 2 ** 64;

/**
 * docker's names, with what /proc/PID/limits calls each. The address space (`as`) is not among them: the limit would
 * hit the runtime's own Go code, which reserves more than any sensible limit before it becomes the container.
 */
const kernelNames: Readonly<Record<string, string>> = {
  core: "core file size",
  cpu: "cpu time",
  data: "data size",
  fsize: "file size",
  locks: "file locks",
  memlock: "locked memory",
  msgqueue: "msgqueue size",
  nice: "nice priority",
  nofile: "open files",
  nproc: "processes",
  rss: "resident set",
  rtprio: "realtime priority",
  rttime: "realtime timeout",
  sigpending: "pending signals",
  stack: "stack size",
};

/**
 * A limit as `--ulimit` takes it: `NAME=SOFT[:HARD]`, in the kernel's units (bytes, seconds, numbers), -1 or `unlimited`
 * for none; without a hard limit it is the soft one. Anything else is `invalid_argument`.
 */
export function parseUlimit(text: string): UlimitOption {
  const refuse = refusal("--ulimit", text);
  const equals = text.indexOf("=");
  if (equals < 0) throw refuse("has no value", "write NAME=SOFT[:HARD], e.g. nofile=1024:2048");
  const name = text.slice(0, equals);
  assertName(name, refuse);
  const [softText = "", hardText = softText, ...more] = text.slice(equals + 1).split(":");
  if (more.length > 0) throw refuse("has more than one colon", "write NAME=SOFT[:HARD]");
  const [soft, hard] = [parseLimit(softText, refuse), parseLimit(hardText, refuse)];
  assertOrder({ name, soft, hard }, refuse);
  return { name, soft, hard };
}

/**
 * The limits for the spec; of two with one name the later counts. A hard limit above our own is `failed_precondition`
 * without CAP_SYS_RESOURCE, of which runc says only "error setting rlimit type 7: operation not permitted"; so is one of
 * open files above fs.nr_open for anybody.
 */
export function composeRlimits(
  ulimits: readonly UlimitOption[],
  host: Pick<HostFacts, "capabilities" | "hardLimits" | "maxOpenFiles">,
): readonly Rlimit[] {
  const byName = new Map<string, Rlimit>();
  for (const ulimit of ulimits) {
    const refuse = refusal("--ulimit", formatUlimit(ulimit));
    assertName(ulimit.name, refuse);
    for (const value of [ulimit.soft, ulimit.hard]) {
      if (!Number.isSafeInteger(value) || value < -1) throw refuse(`has the limit ${value}`, limitHint);
    }
    assertOrder(ulimit, refuse);
    assertPossible(ulimit, host);
    const type = `RLIMIT_${ulimit.name.toUpperCase()}`;
    byName.set(type, { type, hard: numberOf(ulimit.hard), soft: numberOf(ulimit.soft) });
  }
  return [...byName.values()];
}

/** The hard limits in the text of /proc/PID/limits, by their `--ulimit` names; {@link rlimInfinity} for none. */
export function hardLimits(text: string): Readonly<Record<string, number>> {
  const rows = new Map(
    [...text.matchAll(/^Max (.+?) {2,}\S+ +(\S+)/gm)].map(([, name = "", hard = ""]) => [name, hard]),
  );
  return Object.fromEntries(
    Object.entries(kernelNames).flatMap(([name, kernelName]) => {
      const hard = rows.get(kernelName);
      return hard === undefined ? [] : [[name, hard === "unlimited" ? rlimInfinity : Number(hard)]];
    }),
  );
}

const limitHint = "a limit is a number of 0 or more, or -1 for none";

function assertName(name: string, refuse: Refuse): void {
  if (Object.hasOwn(kernelNames, name)) return;
  const known = Object.keys(kernelNames);
  throw refuse(
    name === "" ? "has no name" : `has the unknown name ${JSON.stringify(name)}`,
    didYouMean(name, known) ?? `names are ${known.join(", ")}`,
  );
}

function assertOrder({ soft, hard }: UlimitOption, refuse: Refuse): void {
  if (numberOf(soft) <= numberOf(hard)) return;
  throw refuse(`has a soft limit above the hard one (${hard})`, "the hard limit is how far the soft one may be raised");
}

function assertPossible(
  ulimit: UlimitOption,
  host: Pick<HostFacts, "capabilities" | "hardLimits" | "maxOpenFiles">,
): void {
  const { name } = ulimit;
  const hard = numberOf(ulimit.hard);
  const what = `--ulimit ${formatUlimit(ulimit)}`;
  if (!host.capabilities.includes("CAP_SYS_RESOURCE")) {
    const ours = host.hardLimits[name] ?? rlimInfinity;
    if (hard <= ours) return;
    throw new GantryError(
      "failed_precondition",
      `${what}: the hard limit is above gantry's own (${ours}), and gantry has no CAP_SYS_RESOURCE to raise it`,
      { hint: `give at most ${ours}, or start gantry from a process with that capability` },
    );
  }
  if (name !== "nofile" || hard <= host.maxOpenFiles) return;
  throw new GantryError(
    "failed_precondition",
    `${what}: the kernel allows no more than ${host.maxOpenFiles} open files`,
    { hint: `give at most ${host.maxOpenFiles}, or raise it with sysctl fs.nr_open` },
  );
}

function parseLimit(text: string, refuse: Refuse): number {
  if (text === "-1" || text === "unlimited") return -1;
  const limit = Number(text);
  if (/^[0-9]{1,16}$/.test(text) && Number.isSafeInteger(limit)) return limit;
  throw refuse(`has the limit ${JSON.stringify(text)}`, limitHint);
}

function numberOf(limit: number): number {
  return limit === -1 ? rlimInfinity : limit;
}

function formatUlimit({ name, soft, hard }: UlimitOption): string {
  return `${name}=${soft}:${hard}`;
}
