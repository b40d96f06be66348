/**
 * The portable executable: a shell stub, Deno and the program in one file. For hosts where the runtime base of
 * `deno compile` cannot be had. It needs sh, coreutils, findutils, gzip and tar, all of them Essential in Debian.
 */
import type { BundleFile } from "./bundle.ts";
import { archive, type ArchivedFile } from "./ustar.ts";

/** What the executable is made of. */
export interface PortableOptions {
  readonly files: readonly BundleFile[];
  /** Path of the Deno to carry. */
  readonly deno: string;
  readonly version: string;
  /** Where the compressed Deno is kept between builds: compressing it takes seconds. */
  readonly cacheDir: string;
}

/** The stub is filled up to this, so that what follows starts at a known place. */
const stubSize = 16384;

/** 2001-01-01: any change of an unpacked file makes it newer than the stamp, which is a second younger. */
const fileTime = 978307200;

/**
 * `--no-lazy` puts whole functions into the code cache: 10 to 15 ms less for commands that load grpc-js, nothing for others.
 * Nothing of the user's folders may change what runs: no config, no lock file, no npm, no network.
 */
const command = [
  "run",
  "--quiet",
  "--allow-all",
  "--no-prompt",
  "--no-config",
  "--no-lock",
  "--no-npm",
  "--no-remote",
  "--cached-only",
  "--v8-flags=--no-lazy",
].join(" ");

/** The bytes of the executable. */
export async function portable(options: PortableOptions): Promise<Uint8Array> {
  const [template, runtime, program] = await Promise.all([
    Deno.readTextFile(new URL("stub.sh", import.meta.url)),
    packRuntime(options),
    packProgram(options.files, options.version),
  ]);
  const values: Readonly<Record<string, string>> = {
    VERSION: options.version,
    DENO: Deno.version.deno,
    RUNTIME: runtime.name,
    PROGRAM: program.name,
    FILES: options.files.map(({ name }) => name).join(" "),
    COMMAND: command,
    RUNTIME_START: String(stubSize + 1),
    RUNTIME_LENGTH: String(runtime.bytes.length),
    PROGRAM_START: String(stubSize + 1 + runtime.bytes.length),
    PROGRAM_LENGTH: String(program.bytes.length),
  };
  const text = template.replace(/@([A-Z_]+)@/g, (_, name: string) => values[name] ?? "");
  const stub = new Uint8Array(stubSize).fill(0x0a);
  const { read } = new TextEncoder().encodeInto(text, stub);
  if (read < text.length) throw new RangeError(`the stub is ${text.length} characters, more than ${stubSize}`);
  return concat([stub, runtime.bytes, program.bytes]);
}

interface Pack {
  /** Name of the folder it is unpacked to; it changes with the contents. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

async function packRuntime({ deno, cacheDir }: PortableOptions): Promise<Pack> {
  const contents = await Deno.readFile(deno);
  const packed = archive([file("gantry", contents, 0o700), stamp]);
  const name = `deno-${Deno.version.deno}-${await shortHash(packed)}`;
  const cached = `${cacheDir}/${name}.tar.gz`;
  const known = await Deno.readFile(cached).catch(() => undefined);
  if (known !== undefined) return { name, bytes: known };
  const bytes = await gzip(packed);
  await Deno.mkdir(cacheDir, { recursive: true });
  const part = `${cached}.${crypto.randomUUID()}`;
  await Deno.writeFile(part, bytes);
  await Deno.rename(part, cached);
  return { name, bytes };
}

async function packProgram(files: readonly BundleFile[], version: string): Promise<Pack> {
  const packed = archive([...files.map(({ name, contents }) => file(name, contents, 0o600)), stamp]);
  // The flags are part of what is run: V8's cache is of no use under other ones.
  const name = `gantry-${version}-${await shortHash(concat([packed, new TextEncoder().encode(command)]))}`;
  return { name, bytes: await gzip(packed) };
}

function file(name: string, contents: Uint8Array, mode: number): ArchivedFile {
  return { name, contents, mode, modified: fileTime };
}

const stamp: ArchivedFile = { name: ".stamp", contents: new Uint8Array(0), mode: 0o600, modified: fileTime + 1 };

/** Without name and time (-n), so that the same input gives the same bytes. */
async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const child = new Deno.Command("gzip", { args: ["-6nc"], stdin: "piped", stdout: "piped" }).spawn();
  const [output] = await Promise.all([
    child.output(),
    new Blob([bytes]).stream().pipeTo(child.stdin),
  ]);
  if (!output.success) throw new Error(`gzip ended with exit code ${output.code}`);
  return output.stdout;
}

async function shortHash(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex().slice(0, 16);
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}
