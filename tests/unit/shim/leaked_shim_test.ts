import assert from "node:assert/strict";
import { systemClock } from "../../../lib/base/clock.ts";
import { processState } from "../../../lib/base/proc.ts";
import { endLeakedShims, killShims } from "../../../lib/shim/leaked_shim.ts";
import { eventually } from "../../support/eventually.ts";
import { test } from "../../support/test.ts";

/** A process that looks like a shim: its arguments are all that counts. Disposing kills it. */
class FakeShim implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;

  constructor(args: readonly string[], cwd: string) {
    this.#child = new Deno.Command("bash", {
      args: ["-c", 'exec -a containerd-shim-fake bash -c "read x" "$@"', ...args],
      cwd,
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  static async start(id: string, { namespace = "n1", address = "/a.sock", cwd = "/", more = [] }: {
    readonly namespace?: string;
    readonly address?: string;
    readonly cwd?: string;
    readonly more?: readonly string[];
  } = {}): Promise<FakeShim> {
    const shim = new FakeShim(["x", "-namespace", namespace, "-address", address, "-id", id, ...more], cwd);
    await eventually(() => commandLine(shim.pid).startsWith("containerd-shim-fake\0"), { what: "the fake shim" });
    return shim;
  }

  get pid(): number {
    return this.#child.pid;
  }

  get lives(): boolean {
    return !["Z", "X", undefined].includes(processState(this.pid));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.lives) this.#child.kill("SIGKILL");
    await this.#child.stdin.close().catch(() => {});
    await this.#child.status;
  }
}

function commandLine(pid: number): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`);
  } catch {
    return "";
  }
}

/** An id that no other test of this machine has. */
function freshId(): string {
  return `t${crypto.randomUUID().replaceAll("-", "")}`;
}

const scope = { namespace: "n1", address: "/a.sock", clock: systemClock };

test("T11 a shim is killed by the id, namespace and containerd of its own command line, and no other is", async () => {
  const id = freshId();
  const bundle = await Deno.makeTempDir();
  await using shim = await FakeShim.start(id, { cwd: bundle });
  await using otherId = await FakeShim.start(`${id}x`);
  await using otherNamespace = await FakeShim.start(id, { namespace: "n2" });
  await using otherContainerd = await FakeShim.start(id, { address: "/b.sock" });
  await using cleanUp = await FakeShim.start(id, { more: ["delete"] });
  await using asArgument = await FakeShim.start("other", { more: [id] });
  Deno.kill(shim.pid, "SIGSTOP");
  assert.deepEqual(await killShims(id, scope), [bundle]);
  assert.equal(shim.lives, false);
  for (const other of [otherId, otherNamespace, otherContainerd, cleanUp, asArgument]) assert.equal(other.lives, true);
  assert.deepEqual(await killShims(id, scope), []);
  await Deno.remove(bundle);
});

test("T11 a container may be called start or delete", async () => {
  for (const id of ["start", "delete"]) {
    const namespace = freshId();
    await using shim = await FakeShim.start(id, { namespace });
    assert.equal((await killShims(id, { ...scope, namespace })).length, 1);
    assert.equal(shim.lives, false);
  }
});

test("T11 a leaked shim is ended politely; one that is stopped or deaf is killed", async () => {
  const id = freshId();
  for (const how of ["polite", "stopped"]) {
    await using shim = await FakeShim.start(id);
    if (how === "stopped") {
      Deno.kill(shim.pid, "SIGSTOP");
      await eventually(() => processState(shim.pid) === "T", { what: "its stop" });
    }
    assert.deepEqual(await endLeakedShims(id, scope), ["/"]);
    assert.equal(shim.lives, false);
  }
});
