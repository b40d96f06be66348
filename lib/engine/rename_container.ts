import { assertName } from "../wire/identifier.ts";
import type { Container } from "./container.ts";
import type { ContainerPaths } from "./container_paths.ts";
import { labelKeys } from "./container_plan.ts";
import type { ContainerTraces } from "./container_traces.ts";
import type { VerbOptions } from "./engine.ts";
import { replaceRecordFile } from "./record_file.ts";

/**
 * Gives a container another name: the new one is taken before the old one is given back, so that at any moment one of them
 * leads to it, also when this process dies in between.
 */
export async function renameContainer(
  container: Container,
  name: string,
  { traces, paths, signal }: { readonly traces: ContainerTraces; readonly paths: ContainerPaths } & VerbOptions,
): Promise<void> {
  assertName(name);
  const { labels, runtime } = await container.record({ signal });
  const old = labels[labelKeys.name];
  if (old === name) return;
  await traces.claim(name, container.id);
  try {
    await container.label({ [labelKeys.name]: name }, { signal });
  } catch (error) {
    await traces.release(name, container.id).catch(() => {});
    throw error;
  }
  await replaceRecordFile(paths.recordFile, { runtime, labels: { ...labels, [labelKeys.name]: name } });
  if (old !== undefined) await traces.release(old, container.id);
}
