/** What tests of copies share. */
import assert from "node:assert/strict";
import { openTree } from "../../../lib/engine/archive/tree.ts";
import { copyFiles, type CopyOptions, type CopyReport } from "../../../lib/engine/copy_files/copy.ts";
import { containerPlace, hostPlace } from "../../../lib/engine/copy_files/copy_place.ts";
import { folder } from "./archive_setting.ts";

/** Runs a script and gives what it prints. */
export async function shell(script: string, cwd: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("sh", { args: ["-ec", script], cwd }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Copies between `host/` and the root filesystem `root/` of a folder: `c:` is the container. */
export async function cp(path: string, from: string, to: string, options: CopyOptions = {}): Promise<CopyReport> {
  const side = (text: string) =>
    text.startsWith("c:")
      ? containerPlace(openTree(`${path}/root`), text.slice(2), "c")
      : hostPlace(text, `${path}/host`);
  using source = side(from);
  using destination = side(to);
  return await copyFiles(source, destination, options);
}

/** A folder with some files on both sides; `script` makes more. */
export async function setting(script = ""): Promise<{ readonly path: string } & AsyncDisposable> {
  const place = await folder();
  await shell(
    `mkdir -p host root/etc root/data/sub; echo f >host/file; mkdir -p host/dir/in; echo 1 >host/dir/one; echo 2 >host/dir/in/two
     echo conf >root/etc/conf; echo d >root/data/d; echo s >root/data/sub/s; ln -s data root/link; ln -s /etc/conf root/to-conf
     ${script}`,
    place.path,
  );
  return place;
}
