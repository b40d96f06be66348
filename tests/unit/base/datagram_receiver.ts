import assert from "node:assert/strict";
import { closeFd } from "../../../lib/base/libc_files.ts";

/** Deno receives Unix datagrams only with --unstable-net. Never closed: it counts as opened outside the tests. */
const libc = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
}).symbols;

/** A Unix datagram socket that is bound to a path or, with `@`, to an abstract name. */
export interface DatagramReceiver extends Disposable {
  /** The next message; undefined when there is none. */
  receive(): string | undefined;
}

/** Binds one. The file of a path stays. */
export function datagramReceiver(name: string): DatagramReceiver {
  const AF_UNIX = 1;
  const path = new TextEncoder().encode(name.startsWith("@") ? `\0${name.slice(1)}` : `${name}\0`);
  const fd = libc.socket(AF_UNIX, 2 | 0o2000000, 0);
  assert.notEqual(fd, -1);
  assert.equal(libc.bind(fd, Uint8Array.of(AF_UNIX, 0, ...path), 2 + path.length), 0, name);
  return {
    receive() {
      const buffer = new Uint8Array(4096);
      const length = Number(libc.recv(fd, buffer, BigInt(buffer.length), 0x40));
      return length < 0 ? undefined : new TextDecoder().decode(buffer.subarray(0, length));
    },
    [Symbol.dispose]: () => closeFd(fd),
  };
}
