import assert from "node:assert/strict";
import { isCode } from "../../../lib/base/errors.ts";
import { loadLibc } from "../../../lib/base/libc.ts";
import { closeFd, openFd } from "../../../lib/base/libc_files.ts";
import { connectedTo, peerCredentials, peerUid, sendDatagram } from "../../../lib/base/libc_socket.ts";
import { UnixPeers } from "../../../lib/base/unix_peers.ts";
import { needsRoot, test } from "../../support/test.ts";
import { temporaryDirectory } from "./directories.ts";
import { datagramReceiver } from "./datagram_receiver.ts";

loadLibc();

test("S21 sendDatagram() sends to a path and to an abstract name", async () => {
  await using directory = await temporaryDirectory();
  for (const name of [`${directory.path}/notify`, `@gantry-test-${crypto.randomUUID()}`]) {
    using receiver = datagramReceiver(name);
    sendDatagram(name, "READY=1\nSTATUS=grün");
    sendDatagram(name, "");
    assert.equal(receiver.receive(), "READY=1\nSTATUS=grün");
    assert.equal(receiver.receive(), "");
    assert.equal(receiver.receive(), undefined);
  }
});

test("sendDatagram() does not wait for a receiver that does not read", async () => {
  await using directory = await temporaryDirectory();
  const name = `${directory.path}/notify`;
  using _receiver = datagramReceiver(name);
  assert.throws(() => {
    for (let i = 0; i < 100_000; i++) sendDatagram(name, "x");
  }, { code: "unavailable", message: `cannot send to the socket ${name}: EAGAIN` });
});

test("sendDatagram() to nobody is an error that names the socket", async () => {
  await using directory = await temporaryDirectory();
  const name = `${directory.path}/notify`;
  assert.throws(() => sendDatagram(name, "x"), {
    code: "not_found",
    message: `cannot send to the socket ${name}: ENOENT`,
  });
  datagramReceiver(name)[Symbol.dispose]();
  assert.throws(() => sendDatagram(name, "x"), (error) => isCode(error, "unavailable"));
  assert.throws(() => sendDatagram("@gantry-test-nobody", "x"), (error) => isCode(error, "unavailable"));
});

test("sendDatagram() refuses what is no name of a Unix socket", () => {
  for (
    const name of ["", "/", "@", "relative", "/a\0b", "vsock:2:1234", `/${"x".repeat(107)}`, `@${"x".repeat(107)}`]
  ) {
    assert.throws(() => sendDatagram(name, "x"), (error) => isCode(error, "invalid_argument"), JSON.stringify(name));
  }
});

test("names of full length work", async () => {
  await using directory = await temporaryDirectory();
  const name = `${directory.path}/`.padEnd(107, "x");
  using receiver = datagramReceiver(name);
  sendDatagram(name, "x");
  assert.equal(receiver.receive(), "x");
});

test("peerCredentials() of what is no socket is an error", () => {
  const fd = openFd("/dev/null", 0o2000000);
  try {
    assert.throws(() => peerCredentials(fd), (error) => isCode(error, "internal"));
    assert.throws(() => peerUid(fd), /ENOTSOCK/);
  } finally {
    closeFd(fd);
  }
});

test("UnixPeers tells who made each connection", async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/control`;
  using listener = Deno.listen({ transport: "unix", path });
  const peers = new UnixPeers(path);
  for (let i = 0; i < 3; i++) {
    using _client = await Deno.connect({ transport: "unix", path });
    using _server = await listener.accept();
    assert.deepEqual(peers.identify(), { pid: Deno.pid, uid: Deno.uid(), gid: Deno.gid() });
  }
});

test("X02 UnixPeers tells a peer of another uid", { skip: needsRoot() }, async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/control`;
  using listener = Deno.listen({ transport: "unix", path });
  await Deno.chmod(directory.path, 0o777);
  await Deno.chmod(path, 0o666);
  const peers = new UnixPeers(path);
  using _own = await Deno.connect({ transport: "unix", path });
  using _first = await listener.accept();
  assert.equal(peers.identify().uid, 0);
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `using c = await Deno.connect({ transport: "unix", path: ${JSON.stringify(path)} });
      await c.read(new Uint8Array(1));`,
    ],
    env: { DENO_DIR: directory.path },
    cwd: "/",
    uid: 65534,
    gid: 65534,
  }).spawn();
  {
    using _stranger = await listener.accept();
    assert.deepEqual(peers.identify(), { pid: child.pid, uid: 65534, gid: 65534 });
  }
  assert.equal((await child.status).success, true);
});

test("UnixPeers refuses when it cannot tell: no connection, or more than one at once", async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/control`;
  using listener = Deno.listen({ transport: "unix", path });
  const peers = new UnixPeers(path);
  assert.throws(() => peers.identify(), (error) => isCode(error, "permission_denied"));
  using _a = await Deno.connect({ transport: "unix", path });
  using _b = await Deno.connect({ transport: "unix", path });
  using _c = await listener.accept();
  using _d = await listener.accept();
  assert.throws(() => peers.identify(), { code: "permission_denied", message: /2 new connections/ });
});

test("UnixPeers is not confused by other listeners and sockets of this process", async () => {
  await using directory = await temporaryDirectory();
  const [path, otherPath] = [`${directory.path}/control`, `${directory.path}/other`];
  using listener = Deno.listen({ transport: "unix", path });
  const peers = new UnixPeers(path);
  using other = Deno.listen({ transport: "unix", path: otherPath });
  using tcp = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using _a = await Deno.connect({ transport: "unix", path: otherPath });
  using _b = await other.accept();
  using _c = await Deno.connect({ port: tcp.addr.port });
  using _d = await tcp.accept();
  using _e = await Deno.connect({ transport: "unix", path });
  using _f = await listener.accept();
  assert.equal(peers.identify().pid, Deno.pid);
});

test("connectedTo() finds the descriptor that is connected to a listener", async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/listener`;
  using listener = Deno.listen({ transport: "unix", path });
  assert.equal(connectedTo(path), undefined, "a listener is connected to nobody");
  const client = await Deno.connect({ transport: "unix", path });
  using _server = await listener.accept();
  const fd = connectedTo(path);
  assert.ok(fd !== undefined && peerCredentials(fd).pid === Deno.pid);
  assert.equal(connectedTo(`${path}2`), undefined);
  client.close();
  assert.equal(connectedTo(path), undefined);
});
