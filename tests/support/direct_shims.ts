/** In a containerd's place where there is none: the shims of one version, which gantry runs itself. */
import type { TestContainerd } from "./private_containerd.ts";
import type { ContainerdVersion } from "./versions.ts";

/** Starts nothing and has nothing to end. A test that asks it for more needs a containerd, and has to say so. */
export class DirectShims implements TestContainerd {
  readonly version: ContainerdVersion;
  readonly tasks: string;
  readonly runcRoot: string;
  readonly logPath = "/dev/null";
  readonly pids: readonly number[] = [];

  /** `state` is the value of --state. */
  constructor(version: ContainerdVersion, state: string) {
    this.version = version;
    this.tasks = `${state}/shim/bundles`;
    this.runcRoot = `${state}/shim/runc`;
  }

  get address(): string {
    return noContainerd();
  }

  get pid(): number {
    return noContainerd();
  }

  async start(): Promise<void> {}

  log(): Promise<string> {
    return Promise.resolve("");
  }

  signal(): void {
    noContainerd();
  }

  end(): Promise<void> {
    return noContainerd();
  }

  rpcCounts(): Promise<ReadonlyMap<string, number>> {
    return noContainerd();
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function noContainerd(): never {
  throw new Error('there is no containerd here: the test has to say `needs: "containerd"`');
}
