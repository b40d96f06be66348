/** All commands, in the order of `gantry --help`. A new command is a file in `commands/` and a line here. */
import type { Command } from "./command.ts";
import { attach } from "./commands/attach.ts";
import { checkpoint } from "./commands/checkpoint.ts";
import { checkpointsInspect, checkpointsLs, checkpointsRm } from "./commands/checkpoints.ts";
import { completion } from "./commands/completion.ts";
import { configCheck, configPath, configShow } from "./commands/config.ts";
import { cp } from "./commands/cp.ts";
import { create } from "./commands/create.ts";
import { down } from "./commands/down.ts";
import { exec } from "./commands/exec.ts";
import { help } from "./commands/help.ts";
import { info } from "./commands/info.ts";
import { inspect } from "./commands/inspect.ts";
import { keep } from "./commands/keep.ts";
import { keepExec } from "./commands/keep_exec.ts";
import { kill } from "./commands/kill.ts";
import { pause } from "./commands/pause.ts";
import { ps } from "./commands/ps.ts";
import { rename } from "./commands/rename.ts";
import { restart } from "./commands/restart.ts";
import { restore } from "./commands/restore.ts";
import { resume } from "./commands/resume.ts";
import { rm } from "./commands/rm.ts";
import { run } from "./commands/run.ts";
import { shimGc, shimLs } from "./commands/shim.ts";
import { start } from "./commands/start.ts";
import { stats } from "./commands/stats.ts";
import { status } from "./commands/status.ts";
import { stop } from "./commands/stop.ts";
import { top } from "./commands/top.ts";
import { unpause } from "./commands/unpause.ts";
import { up } from "./commands/up.ts";
import { update } from "./commands/update.ts";
import { version } from "./commands/version.ts";
import { wait } from "./commands/wait.ts";

/** The table that parsing, help and completion are made from. */
export const commands: readonly Command[] = [
  run,
  create,
  start,
  attach,
  restart,
  exec,
  ps,
  inspect,
  top,
  stats,
  update,
  stop,
  kill,
  pause,
  resume,
  wait,
  rename,
  rm,
  cp,
  checkpoint,
  restore,
  checkpointsLs,
  checkpointsInspect,
  checkpointsRm,
  up,
  down,
  status,
  shimLs,
  shimGc,
  configShow,
  configPath,
  configCheck,
  info,
  version,
  completion,
  help,
  unpause,
  keep,
  keepExec,
];
