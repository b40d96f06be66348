import { taskApiContract } from "../contract/task_api_contract.ts";
import { needsRunc } from "../support/runc_bundle.ts";
import { firstReason, needsRoot } from "../support/test.ts";
import { containerdVersions } from "../support/versions.ts";
import { openContract } from "./shim_setting.ts";

for (const version of containerdVersions()) {
  const skip = firstReason(version.skip, needsRoot(), needsRunc());
  taskApiContract(`shim ${version.label}`, () => openContract(version, "direct"), { skip });
}
