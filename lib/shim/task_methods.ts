import { TaskDefinition } from "../../proto/gen/shim/task.ts";
import { methodOf } from "../rpc/transport.ts";
import type { ShimAddress } from "./bundle_address.ts";

/** The methods of one generation of the task service. */
export type TaskMethods = ReturnType<typeof methodsOf>;

const generations = {
  "containerd.task.v2.Task": methodsOf("containerd.task.v2.Task"),
  "containerd.task.v3.Task": methodsOf("containerd.task.v3.Task"),
} as const;

/** The methods under the name by which a shim knows them: v2 and v3 differ in nothing else. */
export function taskMethods(service: ShimAddress["service"]): TaskMethods {
  return generations[service];
}

// deno-lint-ignore explicit-function-return-type -- the type is what the generated definition gives
function methodsOf(fullName: string) {
  const { methods } = TaskDefinition;
  const service = { fullName };
  return {
    state: methodOf(service, methods.state),
    create: methodOf(service, methods.create),
    start: methodOf(service, methods.start),
    delete: methodOf(service, methods.delete),
    pids: methodOf(service, methods.pids),
    pause: methodOf(service, methods.pause),
    resume: methodOf(service, methods.resume),
    checkpoint: methodOf(service, methods.checkpoint),
    kill: methodOf(service, methods.kill),
    exec: methodOf(service, methods.exec),
    resizePty: methodOf(service, methods.resizePty),
    closeIo: methodOf(service, methods.closeIO),
    update: methodOf(service, methods.update),
    wait: methodOf(service, methods.wait),
    stats: methodOf(service, methods.stats),
    connect: methodOf(service, methods.connect),
    shutdown: methodOf(service, methods.shutdown),
  };
}
