import { buildInfo } from "../../base/build_info.ts";
import { deadline } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import type { Engine } from "../../engine/engine.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { labelledLines } from "../labelled.ts";
import type { versionFlags } from "./version.ts";

/** A containerd that does not answer must not keep the rest from being shown. */
const answerMs = 2000;

/** What the containerd of this command, or its shim, says. */
interface ServerVersion {
  readonly kind: Engine["kind"] | null;
  readonly version: string | null;
  readonly address: string | null;
  /** Why there is no version. */
  readonly error?: string | undefined;
}

/** Prints the versions. */
export async function run(
  { flags }: Invocation<ValuesOf<typeof versionFlags>>,
  context: CliContext,
): Promise<number> {
  const server = flags.client ? undefined : await askServer(context);
  const record = { ...buildInfo(), ...(server === undefined ? {} : { server }) };
  context.output.one(record, ({ version, commit, built, deno }) =>
    labelledLines([
      ["gantry", `${version} (commit ${commit}, ${built}, Deno ${deno})`],
      [server?.kind ?? "containerd", server && (server.error ?? `${server.version} at ${server.address}`)],
    ]));
  return 0;
}

async function askServer(context: CliContext): Promise<ServerVersion> {
  using limit = deadline(answerMs, context.signal);
  try {
    const { openEngine } = await import("../engine.ts");
    await using engine = await openEngine(context);
    const { kind, address } = engine;
    return { kind, version: await engine.version({ signal: limit.signal }), address };
  } catch (error) {
    if (context.signal.aborted) throw error;
    return { kind: null, version: null, address: null, error: messageOf(error) };
  }
}
