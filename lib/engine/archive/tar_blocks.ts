import { GantryError } from "../../base/errors.ts";
import { isZero, lengthOfPax, paxRecords, readNumber, verifyChecksum } from "./tar_fields.ts";

/** What a {@link tarBlocks} stream shows of what passes; both may be changed in place, but not in length. */
export interface BlockVisitor {
  /** The records of a PAX header that belongs to the next entry. */
  pax?(records: Uint8Array): void;
  /** The header of an entry (PAX and GNU headers of long names are none), and how many bytes of body follow. */
  header(block: Uint8Array, size: number): void;
}

const blockBytes = 512;
/** Room for a path, a link's target, and the extended attributes an inode can have (64 KiB), several times over. */
const longestMetadata = 1 << 20;
const bodyless = "123456";
const metadata = "xgLK";

/** Where a tar stream is. */
export interface TarFollower {
  /** Takes the next bytes and hands them on, with what the visitor changed; none is kept back but parts of a header. */
  take(chunk: Uint8Array, pass: (bytes: Uint8Array) => void): void;
  /** Says that there are no more. `data_loss` before the two empty blocks that end an archive. */
  end(): void;
}

/**
 * Follows a tar block by block and lets it pass. modern-tar delivers names, sizes and bodies; what it has no field for
 * (device numbers, attributes that are no text, the type of an entry it does not know) is read, and written, here.
 * Fails with `data_loss` for what is no tar.
 */
export function followTar(visitor: BlockVisitor): TarFollower {
  return new Walk(visitor);
}

type Part = "header" | "metadata" | "body" | "end";

class Walk implements TarFollower {
  readonly #visitor: BlockVisitor;
  #part: Part = "header";
  /** Bytes of the part that are still to come. */
  #rest = blockBytes;
  /** A header or metadata block while it is incomplete. */
  #held = new Uint8Array(blockBytes);
  #metadata = { type: "", length: 0 };
  #paxSize: number | undefined;
  #empty = false;

  constructor(visitor: BlockVisitor) {
    this.#visitor = visitor;
  }

  take(chunk: Uint8Array, pass: (bytes: Uint8Array) => void): void {
    for (let at = 0; at < chunk.length;) {
      const bytes = chunk.subarray(at, this.#part === "end" ? chunk.length : at + this.#rest);
      at += bytes.length;
      if (this.#part === "end") {
        if (!isZero(bytes)) throw corrupt("something follows its end");
        pass(bytes);
        continue;
      }
      this.#rest -= bytes.length;
      if (this.#part === "body") {
        pass(bytes);
        if (this.#rest === 0) this.#expectHeader();
        continue;
      }
      this.#held.set(bytes, this.#held.length - this.#rest - bytes.length);
      if (this.#rest > 0) continue;
      const whole = this.#held;
      if (this.#part === "metadata") this.#takeMetadata(whole.subarray(0, this.#metadata.length));
      else this.#takeHeader(whole);
      pass(whole);
    }
  }

  end(): void {
    if (this.#part !== "end") throw new GantryError("data_loss", "the archive is truncated");
  }

  #expectHeader(): void {
    this.#part = "header";
    this.#rest = blockBytes;
    this.#held = new Uint8Array(blockBytes);
  }

  #takeHeader(block: Uint8Array): void {
    if (isZero(block)) {
      if (this.#empty) {
        this.#part = "end";
        return;
      }
      this.#empty = true;
      this.#expectHeader();
      return;
    }
    if (this.#empty) throw corrupt("an empty block is inside it");
    if (!verifyChecksum(block)) throw corrupt("the checksum of a header is wrong");
    const type = String.fromCharCode(block[156] ?? 0);
    const size = readNumber(block.subarray(124, 136));
    if (metadata.includes(type)) {
      this.#expectMetadata(type, size);
      return;
    }
    const body = bodyless.includes(type) ? 0 : this.#paxSize ?? size;
    this.#paxSize = undefined;
    this.#visitor.header(block, body);
    this.#part = "body";
    this.#rest = padded(body);
    if (body === 0) this.#expectHeader();
  }

  #expectMetadata(type: string, length: number): void {
    if (length > longestMetadata) throw corrupt(`a header has ${length} bytes of attributes`);
    // What a writer forgot to put records in says nothing about the next entry.
    if (length === 0) {
      this.#expectHeader();
      return;
    }
    this.#part = "metadata";
    this.#metadata = { type, length };
    this.#rest = padded(length);
    this.#held = new Uint8Array(this.#rest);
  }

  #takeMetadata(records: Uint8Array): void {
    const { type } = this.#metadata;
    if (type === "x" || type === "g") {
      const size = lengthOfPax(records);
      // Of every entry that follows: nobody writes that, and each reader would see another archive.
      if (
        type === "g" &&
        [...paxRecords(records)].some(({ key }) => key === "size" || key === "path" || key === "linkpath")
      ) {
        throw corrupt("a global header names a size or a path");
      }
      if (type === "x") {
        this.#paxSize = size;
        this.#visitor.pax?.(records);
      }
    }
    this.#expectHeader();
  }
}

function padded(bytes: number): number {
  return Math.ceil(bytes / blockBytes) * blockBytes;
}

function corrupt(why: string): GantryError {
  return new GantryError("data_loss", `the archive is corrupt: ${why}`);
}
