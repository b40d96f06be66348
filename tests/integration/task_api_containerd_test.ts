/** The contract of `TaskApi`, held by containerd's Tasks service. */
import { ContainerdContainers } from "../../lib/containerd/containers.ts";
import { ContainerdTasks } from "../../lib/containerd/tasks.ts";
import { planContainer } from "../../lib/engine/plan.ts";
import { connectGrpc } from "../../lib/rpc/grpc_transport.ts";
import { packJson, typeUrls } from "../../lib/wire/any.ts";
import type { ContractSetting } from "../contract/contract_setting.ts";
import { taskApiContract } from "../contract/task_api_contract.ts";
import { GantryInstance } from "../support/gantry.ts";
import { assertNothingLeft, snapshot } from "../support/leftovers.ts";
import { firstReason, needsRoot } from "../support/test.ts";
import { needsContainerd } from "../support/test_runtime.ts";
import { type ContainerdVersion, containerdVersions } from "../support/versions.ts";

const namespace = "default";

/** A containerd with nothing in it. */
async function open(version: ContainerdVersion): Promise<ContractSetting> {
  await using stack = new AsyncDisposableStack();
  const gantry = await GantryInstance.open(version);
  const before = await snapshot({ scope: gantry.directory });
  stack.defer(() => assertNothingLeft(before));
  stack.use(gantry);
  stack.defer(() => gantry.assertEmpty());
  stack.defer(async () => {
    const ids = await gantry.containers();
    if (ids.length > 0) await gantry.gantry(["rm", "-f", ...ids]);
  });
  const transport = stack.use(connectGrpc(gantry.containerd.address));
  const records = new ContainerdContainers(transport, namespace);
  const { root, state, directory } = gantry;
  const all = stack.move();
  return {
    api: new ContainerdTasks(transport, namespace),
    directory,
    async makeContainer({ command, tty = false, memory }) {
      const request = { rootfs: { path: gantry.rootfs, overlay: false }, command, tty, memory };
      const { id, labels, runtime, spec, rootfs } = await planContainer(request, {
        instance: { root, state },
        namespace,
      });
      await records.create({ id, labels, runtime, spec: packJson(typeUrls.spec, spec) });
      return { id, rootfs, spec };
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

for (const version of containerdVersions()) {
  taskApiContract(`containerd ${version.label}`, () => open(version), {
    skip: firstReason(needsRoot(), version.skip, needsContainerd()),
  });
}
