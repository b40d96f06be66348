/** All commands, in the order of `gantry --help`. A new command is a file in `commands/` and a line here. */
import type { Command } from "./command.ts";
import { completion } from "./commands/completion.ts";
import { configCheck, configPath, configShow } from "./commands/config.ts";
import { cp } from "./commands/cp.ts";
import { down } from "./commands/down.ts";
import { help } from "./commands/help.ts";
import { info } from "./commands/info.ts";
import { keep } from "./commands/keep.ts";
import { ps } from "./commands/ps.ts";
import { rm } from "./commands/rm.ts";
import { run } from "./commands/run.ts";
import { status } from "./commands/status.ts";
import { up } from "./commands/up.ts";
import { version } from "./commands/version.ts";

/** The table that parsing, help and completion are made from. */
export const commands: readonly Command[] = [
  run,
  ps,
  rm,
  cp,
  up,
  down,
  status,
  configShow,
  configPath,
  configCheck,
  info,
  version,
  completion,
  help,
  keep,
];
