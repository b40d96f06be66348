import { command } from "../command.ts";
import { booleanFlag, choiceFlag, stringFlag } from "../flags.ts";

export const inspectFlags = {
  spec: booleanFlag({ summary: "Print the stored OCI spec instead; of one container the object itself" }),
  template: stringFlag({ summary: "The same as --format", short: "f", placeholder: "TEMPLATE" }),
  type: choiceFlag({ summary: "What to look for", choices: ["container"], default: "container" }),
} as const;

/** `gantry inspect` */
export const inspect = command({
  name: "inspect",
  group: "Containers",
  summary: "Show all about containers",
  description: [
    "Prints a JSON array in the shape of docker inspect, also for one container. With --spec it prints the OCI spec that " +
    "each is started with next: the object itself when one container is named, an array for several.",
    "Containers that are not there are told on stderr, and the exit code is then 1.",
  ],
  examples: [
    { line: "gantry inspect web db", does: "an array of two" },
    { line: "gantry inspect -f '{{.State.Pid}}' web", does: "one field" },
    { line: "gantry inspect --spec web | jq .process.env", does: "a part of the OCI spec" },
  ],
  positionals: [{ name: "CONTAINER", summary: "Name, id, or unique start of an id", many: true }],
  flags: inspectFlags,
  load: () => import("./inspect_action.ts"),
});
