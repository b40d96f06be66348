/** A root filesystem for containers, made of the host's static busybox: 2 MB, no registry, no network. */
import { prefixDir } from "./versions.ts";

/** The private prefix comes first: it is filled only where the host has a busybox that is not static. */
const candidates: readonly string[] = [
  `${prefixDir}/busybox/bin/busybox`,
  `${prefixDir}/busybox/usr/bin/busybox`,
  "/bin/busybox",
  "/usr/bin/busybox",
];

/** Folders that runc or programs in the container expect. */
const folders: readonly string[] = [
  "bin",
  "sbin",
  "usr/bin",
  "usr/sbin",
  "dev",
  "etc",
  "proc",
  "root",
  "run",
  "sys",
  "tmp",
  "var",
];

/**
 * Makes `dir` a root filesystem: /bin/busybox, a symbolic link for each applet, /etc/passwd and /etc/group with root and
 * nobody, and the usual folders. `dir` may exist. Throws when the host has no static busybox.
 */
export async function busyboxRootfs(dir: string): Promise<void> {
  const busybox = await findBusybox();
  for (const folder of folders) await Deno.mkdir(`${dir}/${folder}`, { recursive: true });
  await Deno.chmod(`${dir}/tmp`, 0o1777);
  await Deno.copyFile(busybox, `${dir}/bin/busybox`);
  await Deno.chmod(`${dir}/bin/busybox`, 0o755);
  await Promise.all((await applets(busybox)).map((path) => link(`${dir}/${path}`)));
  await Deno.writeTextFile(
    `${dir}/etc/passwd`,
    "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
  );
  await Deno.writeTextFile(`${dir}/etc/group`, "root:x:0:\nnogroup:x:65534:\nstaff:x:50:nobody\n");
}

async function findBusybox(): Promise<string> {
  for (const path of candidates) {
    if (await isStatic(path)) return path;
  }
  throw new Error(`no static busybox at ${candidates.join(" or ")}: run scripts/setup (Debian: busybox-static)`);
}

/** True for a 64-bit ELF program without an interpreter (PT_INTERP), i.e. one that runs in an empty root filesystem. */
async function isStatic(path: string): Promise<boolean> {
  const bytes = await Deno.readFile(path).catch(() => new Uint8Array(0));
  if (bytes.length < 64 || bytes[0] !== 0x7f || bytes[4] !== 2) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = Number(view.getBigUint64(0x20, true));
  const size = view.getUint16(0x36, true);
  const count = view.getUint16(0x38, true);
  for (let index = 0; index < count; index++) {
    if (view.getUint32(start + index * size, true) === 3) return false;
  }
  return true;
}

async function applets(busybox: string): Promise<readonly string[]> {
  const { stdout } = await new Deno.Command(busybox, { args: ["--list-full"], stdin: "null" }).output();
  const paths = new TextDecoder().decode(stdout).split("\n").filter((path) => path !== "" && !path.endsWith("busybox"));
  return paths.map((path) => /^(usr\/)?s?bin\//.test(path) ? path : `bin/${path}`);
}

async function link(path: string): Promise<void> {
  await Deno.symlink("/bin/busybox", path).catch((error: unknown) => {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  });
}
