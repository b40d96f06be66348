import { isCode } from "../base/errors.ts";
import type { CallOptions } from "../rpc/transport.ts";
import { unpackJson } from "../wire/any.ts";
import type { Container } from "./container.ts";
import { readHostFacts } from "./spec/host_facts.ts";
import { parseStoredSpec } from "./spec/spec_file.ts";
import { applyResources, buildUpdateResources, type UpdateOptions } from "./spec/update_resources.ts";

/**
 * Sets limits of a container: of its task, and of the record for the next start. The task first: what the kernel refuses is
 * then not stored. Resolves to what could not be done as asked.
 */
export async function updateContainer(
  container: Container,
  limits: UpdateOptions,
  options: CallOptions,
): Promise<readonly string[]> {
  const spec = parseStoredSpec(unpackJson((await container.record(options)).spec));
  const { resources, warnings } = buildUpdateResources(limits, { spec, host: readHostFacts() });
  try {
    const { status } = await container.task.state(options);
    if (status !== "stopped") await container.task.update(resources, options);
  } catch (error) {
    // Nothing runs of it: the stored limits are all there is.
    if (!isCode(error, "not_found")) throw error;
  }
  await container.respecify(applyResources(spec, resources), options);
  return warnings;
}
