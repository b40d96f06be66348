import { buildSpec, type BuiltSpec, type SpecInput } from "./build.ts";
import { readHostFacts } from "./host_facts.ts";
import { resolveInputs } from "./resolve_inputs.ts";

/** What {@link prepareSpec} is given; it reads the rest itself. */
export type SpecRequest = Omit<SpecInput, "host" | "resolved">;

/** Options of {@link prepareSpec}. */
export interface PrepareSpecOptions {
  /** Facts of the host, for callers that keep them. Default: they are read. */
  readonly host?: SpecInput["host"] | undefined;
  /** Ends the reading early by rejecting. */
  readonly signal?: AbortSignal | undefined;
}

/** Reads the host and the files that the options name, and builds the spec. Changes nothing. */
export async function prepareSpec(request: SpecRequest, options: PrepareSpecOptions = {}): Promise<BuiltSpec> {
  const host = options.host ?? readHostFacts();
  const resolved = await resolveInputs(request.options, options);
  return buildSpec({ ...request, host, resolved });
}
