import type { Engine } from "../engine/engine.ts";
import type { ExecRunRequest } from "../engine/exec_making.ts";
import { runExec } from "../engine/run_exec.ts";
import { newId, shortId } from "../wire/identifier.ts";
import type { CliContext } from "./context.ts";
import { ExecWatcher, startExecDrainer } from "./exec_watcher.ts";
import type { Attended } from "./foreground.ts";
import { reportWarning } from "./report.ts";

/** A new exec as something to attend to: it ends with this process, unless it is let go of. */
export function attendedExec(
  engine: Engine,
  containerId: string,
  { request, context }: { readonly request: ExecRunRequest; readonly context: CliContext },
): Attended {
  const execId = newId();
  const keeping = { context, engine };
  let watcher: ExecWatcher | undefined;
  let freed = false;
  return {
    name: `exec ${shortId(execId)} in ${request.name ?? shortId(containerId)}`,
    afterwards: "what it writes goes nowhere",
    endsWithUs: true,
    async run(streams, options) {
      return await runExec(engine, containerId, { ...request, execId }, {
        ...options,
        streams,
        onMaking: (process) => watcher = new ExecWatcher(process, keeping),
        onWarning: (warning) => reportWarning(warning, context.stderr, context),
        onFreed: () => {
          freed = true;
        },
      }).finally(() => {
        // Whatever could not be freed yet is left to it.
        if (freed) watcher?.[Symbol.dispose]();
      });
    },
    onDetached() {
      startExecDrainer({ containerId, execId }, keeping);
      watcher?.[Symbol.dispose]();
      return Promise.resolve();
    },
  };
}
