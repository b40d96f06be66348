/** A tar archive, made byte for byte the same from the same files, so that its hash can name it. */

/** A regular file in the archive. */
export interface ArchivedFile {
  /** At most 100 bytes of ASCII. */
  readonly name: string;
  readonly contents: Uint8Array;
  /** E.g. 0o755. */
  readonly mode: number;
  /** Seconds since 1970. */
  readonly modified: number;
}

const blockSize = 512;

/** The archive (POSIX ustar) of the given files, in their order. */
export function archive(files: readonly ArchivedFile[]): Uint8Array<ArrayBuffer> {
  const sizes = files.map(({ contents }) => blockSize + Math.ceil(contents.length / blockSize) * blockSize);
  const bytes = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0) + 2 * blockSize);
  let offset = 0;
  for (const [index, file] of files.entries()) {
    bytes.set(header(file), offset);
    bytes.set(file.contents, offset + blockSize);
    offset += sizes[index] ?? 0;
  }
  return bytes;
}

function header({ name, contents, mode, modified }: ArchivedFile): Uint8Array {
  if (!/^[\x21-\x7e]{1,100}$/.test(name)) throw new RangeError(`not a name for an archive: ${JSON.stringify(name)}`);
  const block = new Uint8Array(blockSize);
  const write = (offset: number, text: string): void => void new TextEncoder().encodeInto(text, block.subarray(offset));
  const number = (offset: number, length: number, value: number): void =>
    write(offset, value.toString(8).padStart(length - 1, "0"));
  write(0, name);
  number(100, 8, mode);
  number(108, 8, 0);
  number(116, 8, 0);
  number(124, 12, contents.length);
  number(136, 12, modified);
  write(148, "        "); // the checksum is counted as if it were blanks
  write(156, "0"); // a regular file
  write(257, "ustar");
  write(263, "00");
  number(148, 7, block.reduce((sum, byte) => sum + byte, 0));
  return block;
}
