/** First module of the bundle: the user's environment must be back before any other module reads it. */
import { buildInfo, takeStubEnvironment } from "../../lib/base/build_info.ts";

takeStubEnvironment();
if (buildInfo().built === "portable") refuseWritableFolders();

/**
 * The stub refuses folders that others may write to before it unpacks; a later chmod costs it a process to see, and this
 * program nothing.
 */
function refuseWritableFolders(): void {
  const program = new URL(".", import.meta.url).pathname.slice(0, -1);
  const runtime = Deno.execPath().replace(/\/[^/]*$/, "");
  for (const folder of [program.replace(/\/[^/]*$/, ""), program, runtime]) {
    const { mode } = Deno.statSync(decodeURIComponent(folder));
    if (((mode ?? 0) & 0o022) === 0) continue;
    const text = `gantry: the cache ${folder} can be written by others\n` +
      "hint: remove it, or set GANTRY_CACHE to a folder of your own\n";
    Deno.stderr.writeSync(new TextEncoder().encode(text));
    Deno.exit(125);
  }
}
