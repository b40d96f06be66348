import { GantryError } from "../base/errors.ts";
import type { RootfsMount } from "../wire/task.ts";
import type { ContainerPaths } from "./container_paths.ts";

/** The mount of a throw-away overlay over a directory. `invalid_argument` for a path that no mount option can hold. */
export function overlayMounts(lower: string, paths: ContainerPaths): readonly RootfsMount[] {
  const directories = [lower, paths.overlayUpper, paths.overlayWork];
  // Mount options are joined with commas, and nothing quotes one.
  const bad = directories.find((path) => path.includes(","));
  if (bad !== undefined) {
    throw new GantryError("invalid_argument", `an overlay cannot be made of ${bad}: its path has a comma`, {
      hint: "move the directory, or reach it through a symbolic link without one",
    });
  }
  const lowerdir = lower.replaceAll("\\", "\\\\").replaceAll(":", "\\:");
  return [{
    type: "overlay",
    source: "overlay",
    options: [
      `lowerdir=${lowerdir}`,
      `upperdir=${paths.overlayUpper}`,
      `workdir=${paths.overlayWork}`,
      // A checkpoint saves the upper directory as files; these features would keep parts of them elsewhere.
      "redirect_dir=off",
      "metacopy=off",
    ],
  }];
}
