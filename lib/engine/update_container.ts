import { formatBytes } from "../base/bytes.ts";
import { GantryError, isCode } from "../base/errors.ts";
import type { CallOptions } from "../rpc/transport.ts";
import { unpackJson } from "../wire/any.ts";
import type { Resources } from "../wire/oci_resources.ts";
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
  const host = readHostFacts();
  const { resources, warnings } = buildUpdateResources(limits, { spec, host });
  if (await hasProcesses(container, options)) {
    try {
      await container.task.update(host.cgroup.mode === "v2" ? checked(resources) : resources, options);
    } catch (error) {
      throw refusal(error, container.id);
    }
  }
  await container.respecify(applyResources(spec, resources), options);
  return warnings;
}

/** Nothing runs of one without: the stored limits are all there is. */
async function hasProcesses(container: Container, options: CallOptions): Promise<boolean> {
  try {
    const { status } = await container.task.state(options);
    if (status !== "unknown") return status !== "stopped";
  } catch (error) {
    if (isCode(error, "not_found")) return false;
    throw error;
  }
  throw new GantryError("deadline_exceeded", `the shim of container ${container.id} does not answer`, {
    hint: "nothing was changed; `gantry rm -f` ends a container whose shim is stuck",
  });
}

/** On v2 the kernel takes a limit below what is used, and kills: unless the runtime looks first. */
function checked({ memory, ...others }: Resources): Resources {
  return {
    ...others,
    ...(memory?.limit === undefined ? { memory } : { memory: { ...memory, checkBeforeUpdate: true } }),
  };
}

/** runc's words for memory, since 1.0; of anything else, what the runtime said without what surrounds it. */
function refusal(error: unknown, id: string): unknown {
  if (!(error instanceof GantryError) || error.code !== "unknown") return error;
  const said = error.message.replace(/^.*runc did not terminate successfully: exit status \d+: /s, "")
    .replace(/\s*:? *unknown\s*$/, "").trim();
  const [, limit, usage] = /unable to set memory limit to (\d+)\b.*?current usage: (\d+)/s.exec(said) ?? [];
  if (limit === undefined || usage === undefined) {
    return new GantryError("failed_precondition", `the limits of container ${id} could not be set: ${said}`, {
      cause: error,
    });
  }
  const shown = `--memory ${formatBytes(Number(limit))}`;
  return new GantryError(
    "failed_precondition",
    `${shown} is too little: container ${id} uses ${formatBytes(Number(usage))} now`,
    { hint: "give more, or have it use less first", cause: error },
  );
}
