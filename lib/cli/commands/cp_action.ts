import { GantryError } from "../../base/errors.ts";
import { openContainerRoot } from "../../engine/copy_files/container_root.ts";
import { copyFiles, copyIn, type CopyOptions, copyOut } from "../../engine/copy_files/copy.ts";
import { type CopyArgument, parseCopyArgument } from "../../engine/copy_files/copy_path.ts";
import { containerPlace, type CopyPlace, hostPlace } from "../../engine/copy_files/copy_place.ts";
import { rootOf } from "../../engine/copy_files/root_of.ts";
import type { Engine } from "../../engine/engine.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { openEngine } from "../engine.ts";
import { reportWarning } from "../report.ts";
import type { cpFlags } from "./cp.ts";

/** Copies; files that are whole when it is interrupted stay. */
export async function run({ flags, args }: Invocation<ValuesOf<typeof cpFlags>>, context: CliContext): Promise<number> {
  const [source, destination] = argumentsOf(args);
  const { signal } = context;
  const options: CopyOptions = { archive: flags.archive, followLink: flags.followLink, signal };
  await using engine = await openEngine(context);
  const place = (argument: CopyArgument): Promise<CopyPlace> => placeOf(argument, { engine, signal });
  if (isStream(source)) {
    using to = await place(destination);
    await copyIn(Deno.stdin.readable, to, options);
    return 0;
  }
  using from = await place(source);
  if (isStream(destination)) {
    await (await copyOut(from, options)).pipeTo(Deno.stdout.writable, { preventClose: true });
    return 0;
  }
  using to = await place(destination);
  const { skipped } = await copyFiles(from, to, options);
  if (!flags.quiet) {
    for (const path of skipped) reportWarning(`${path} is a socket: not copied`, context.stderr, context);
  }
  return 0;
}

function argumentsOf([from = "", to = ""]: readonly string[]): readonly [CopyArgument, CopyArgument] {
  const source = parseCopyArgument(from);
  const destination = parseCopyArgument(to);
  if (source.container === undefined && destination.container === undefined) {
    throw new GantryError("invalid_argument", "neither side is in a container", {
      hint: "write CONTAINER:PATH for one of them; cp(1) copies on the host",
    });
  }
  for (const [argument, stream] of [[source, Deno.stdin], [destination, Deno.stdout]] as const) {
    if (isStream(argument) && stream.isTerminal()) {
      throw new GantryError("invalid_argument", "- is a terminal, and a tar is nothing to type or to read", {
        hint: "use a pipe or a file: gantry cp web:/etc - > etc.tar",
      });
    }
  }
  return [source, destination];
}

function isStream({ container, path }: CopyArgument): boolean {
  return container === undefined && path === "-";
}

async function placeOf(
  { container, path }: CopyArgument,
  { engine, signal }: { readonly engine: Engine; readonly signal: AbortSignal },
): Promise<CopyPlace> {
  if (container === undefined) return hostPlace(path, Deno.cwd());
  const id = await engine.resolve(container, { signal });
  const tree = await openContainerRoot(await rootOf(engine, id, { signal }));
  return containerPlace(tree, path, container);
}
