/** What an implementation of `TaskApi` brings to the contract suite, and what the suite's tests do things with. */
import assert from "node:assert/strict";
import { mkfifo } from "../../lib/base/libc_files.ts";
import { type ErrorCode, GantryError } from "../../lib/base/errors.ts";
import { FifoWriter } from "../../lib/engine/fifo.ts";
import type { TaskApi } from "../../lib/engine/task_api.ts";
import type { Process, Spec } from "../../lib/wire/oci.ts";
import type { ExitStatus, RootfsMount, StdioPaths } from "../../lib/wire/task.ts";

/** A container that `create` can be called for: it is stored, or its bundle is written, and nothing runs of it. */
export interface MadeContainer {
  readonly id: string;
  readonly rootfs: readonly RootfsMount[];
  /** What it was made with. */
  readonly spec: Spec;
}

/** What a container is to be. */
export interface ContainerWish {
  readonly command: readonly string[];
  readonly tty?: boolean | undefined;
  /** Bytes. */
  readonly memory?: number | undefined;
}

/** One implementation with nothing in it. Disposing ends and removes all that was made, and fails when something is left. */
export interface ContractSetting extends AsyncDisposable {
  readonly api: TaskApi;
  /** For the files of a test; goes with the setting. */
  readonly directory: string;
  /** Makes a container whose root filesystem is a busybox. */
  makeContainer(wish: ContainerWish): Promise<MadeContainer>;
}

/** A process of a test: where it writes, and what comes of it. */
export class ContractProcess {
  readonly api: TaskApi;
  readonly ref: { readonly containerId: string; readonly execId?: string | undefined };
  readonly stdio: StdioPaths;

  constructor(api: TaskApi, ref: ContractProcess["ref"], stdio: StdioPaths) {
    this.api = api;
    this.ref = ref;
    this.stdio = stdio;
  }

  /** What it has written to stdout or its terminal. Whole once it has been deleted. */
  async out(): Promise<string> {
    return await Deno.readTextFile(this.stdio.stdout);
  }

  /** Opens its stdin. */
  input(): FifoWriter {
    return new FifoWriter(this.stdio.stdin);
  }

  /** Starts it, waits for its end and frees it. */
  async run(): Promise<ExitStatus> {
    await this.api.start(this.ref);
    await this.api.wait(this.ref);
    return await this.api.delete(this.ref);
  }
}

let files = 0;

/** Plain files for what a process writes, and a FIFO for what it reads if it is to read. */
export async function makeStdio(
  directory: string,
  { terminal = false, stdin = false }: {
    readonly terminal?: boolean | undefined;
    readonly stdin?: boolean | undefined;
  },
): Promise<StdioPaths> {
  const base = `${directory}/stdio-${files++}`;
  if (stdin) mkfifo(`${base}-in`, 0o600);
  for (const name of terminal ? ["out"] : ["out", "err"]) await Deno.writeTextFile(`${base}-${name}`, "");
  return {
    stdin: stdin ? `${base}-in` : "",
    stdout: `${base}-out`,
    stderr: terminal ? "" : `${base}-err`,
    terminal,
  };
}

/** Makes a container and its task. */
export async function createTask(
  { api, directory, makeContainer }: ContractSetting,
  wish: ContainerWish & { readonly stdin?: boolean | undefined },
): Promise<ContractProcess & { readonly spec: Spec }> {
  const { id, rootfs, spec } = await makeContainer(wish);
  const stdio = await makeStdio(directory, { terminal: wish.tty, stdin: wish.stdin });
  await api.create({ containerId: id, rootfs, stdio });
  return Object.assign(new ContractProcess(api, { containerId: id }, stdio), { spec });
}

/** Makes an exec beside a container's first process. */
export async function makeExec(
  { api, directory }: ContractSetting,
  task: ContractProcess & { readonly spec: Spec },
  { execId, command, tty = false, stdin = false }: {
    readonly execId: string;
    readonly command: readonly string[];
    readonly tty?: boolean | undefined;
    readonly stdin?: boolean | undefined;
  },
): Promise<ContractProcess> {
  const stdio = await makeStdio(directory, { terminal: tty, stdin });
  const process = { containerId: task.ref.containerId, execId };
  await api.exec({ process, spec: processOf(task.spec, command, tty), stdio });
  return new ContractProcess(api, process, stdio);
}

/** The process of a spec with another command. */
function processOf(spec: Spec, command: readonly string[], terminal: boolean): Process {
  assert.ok(spec.process !== undefined);
  return { ...spec.process, args: command, terminal };
}

/**
 * What refuses a process in the wrong state: the class is `failed_precondition`, but the shims' own refusals have none
 * (up to 2.x).
 */
export const wrongState: readonly ErrorCode[] = ["failed_precondition", "unknown"];

/** Fails unless `call` is refused with one of these codes. */
export async function refused(call: Promise<unknown>, ...codes: readonly ErrorCode[]): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof GantryError, String(error));
    assert.ok(codes.includes(error.code), `${error.code}: ${error.message}`);
    return true;
  });
}
