import { command } from "../command.ts";
import { numberFlag, stringFlag } from "../flags.ts";
import { containerFlags } from "./container_flags.ts";

const { memorySwap, memoryReservation, cpuShares, cpusetCpus, cpusetMems, pidsLimit, blkioWeight } = containerFlags;

export const updateFlags = {
  memory: stringFlag({ summary: "Memory limit; -1 for none", short: "m", placeholder: "SIZE" }),
  memorySwap: { ...memorySwap, defaultText: undefined },
  memoryReservation,
  cpus: numberFlag({ summary: "CPUs it may use, e.g. 1.5; 0 for no limit", min: 0, fraction: true }),
  cpuShares: { ...cpuShares, defaultText: undefined },
  cpusetCpus: { ...cpusetCpus, defaultText: undefined },
  cpusetMems: { ...cpusetMems, defaultText: undefined },
  pidsLimit,
  blkioWeight,
} as const;

/** `gantry update` */
export const update = command({
  name: "update",
  group: "Containers",
  summary: "Set limits of containers",
  description: [
    "The new limits count at once for a container that runs, and for its next start. What the kernel refuses, such as " +
    "less memory than it uses, leaves all as it was.",
  ],
  examples: [
    { line: "gantry update --memory 1g --cpus 1.5 web", does: "set two limits" },
    { line: "gantry update -m -1 --memory-swap -1 web db", does: "take a limit away from two containers" },
  ],
  positionals: [{ name: "CONTAINER", summary: "Name, id, or unique start of an id", many: true }],
  flags: updateFlags,
  load: () => import("./update_action.ts"),
});
