import { command } from "../command.ts";

/** `gantry rename` */
export const rename = command({
  name: "rename",
  group: "Containers",
  summary: "Give a container another name",
  examples: [{ line: "gantry rename web web-old", does: "make room for a new web" }],
  positionals: [
    { name: "CONTAINER", summary: "Name, id, or unique start of an id" },
    { name: "NAME", summary: "Its new name" },
  ],
  flags: {},
  load: () => import("./rename_action.ts"),
});
