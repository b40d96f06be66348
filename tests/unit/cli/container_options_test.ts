/** Flags of `run` and `create` → options of the engine. */
import assert from "node:assert/strict";
import { commands } from "../../../lib/cli/table.ts";
import { type Invocation, type ValuesOf } from "../../../lib/cli/command.ts";
import { command } from "../../../lib/cli/command.ts";
import { containerFlags } from "../../../lib/cli/commands/container_flags.ts";
import { containerOptions } from "../../../lib/cli/commands/container_options.ts";
import type { ContainerOptions } from "../../../lib/engine/container_options.ts";
import { test } from "../../support/test.ts";
import { transcript } from "./captured_io.ts";

/** What these flags of a container mean to the engine; fails when they are refused. */
async function optionsOf(...flags: readonly string[]): Promise<ContainerOptions> {
  const found: ContainerOptions[] = [];
  const { code, stderr } = await attempt(flags, (options) => found.push(options));
  assert.deepEqual([code, stderr], [0, ""], flags.join(" "));
  const [options] = found;
  assert.ok(options !== undefined);
  return options;
}

/** What is said when these flags are refused. */
async function refusal(...flags: readonly string[]): Promise<string> {
  const { code, stderr } = await attempt(flags, () => {});
  assert.equal(code, 125, `${flags.join(" ")}: ${stderr}`);
  return stderr;
}

async function attempt(
  flags: readonly string[],
  found: (options: ContainerOptions) => unknown,
): Promise<{ readonly code: number; readonly stderr: string }> {
  const make = command({
    name: "make",
    group: "Containers",
    summary: "Make one",
    examples: [{ line: "gantry make", does: "make one" }],
    positionals: [{ name: "COMMAND", summary: "What to run", many: true }],
    flags: containerFlags,
    passThrough: true,
    load: () =>
      Promise.resolve({
        async run({ flags, args }: Invocation<ValuesOf<typeof containerFlags>>) {
          found(await containerOptions({ ...flags, tty: false, interactive: false }, args));
          return 0;
        },
      }),
  });
  return await transcript(["make", "--rootfs", "/srv/rootfs", ...flags, "--", "sh"], { commands: [make] });
}

test("without flags the engine is asked for nothing", async () => {
  const options = await optionsOf();
  const asked = Object.entries(options).filter(([, value]) => {
    if (Array.isArray(value)) return value.length > 0;
    return value !== undefined && value !== false && JSON.stringify(value) !== "{}";
  });
  assert.deepEqual(Object.fromEntries(asked), {
    rootfs: { path: "/srv/rootfs", overlay: false },
    command: ["sh"],
    network: "none",
    log: "file",
  });
  // Without them the spec, or that of a file, has no such field.
  assert.deepEqual([options.annotations, options.sysctls], [undefined, undefined]);
});

test("every flag of a container reaches the engine, with docker's units", async () => {
  const mib = 2 ** 20;
  const cases: readonly (readonly [readonly string[], Partial<ContainerOptions>])[] = [
    [["--cpu-shares", "512"], { cpuShares: 512 }],
    [["--cpuset-cpus", "0-2,7"], { cpusetCpus: "0-2,7" }],
    [["--cpuset-mems", "0,1"], { cpusetMems: "0,1" }],
    [["--memory-reservation", "32m"], { memoryReservation: 32 * mib }],
    [["--memory-swap", "96m"], { memorySwap: 96 * mib }],
    [["--memory-swap", "-1"], { memorySwap: -1 }],
    [["--blkio-weight", "300"], { blkioWeight: 300 }],
    [["--ulimit", "nofile=1024:2048", "--ulimit", "core=-1"], {
      ulimits: [{ name: "nofile", soft: 1024, hard: 2048 }, { name: "core", soft: -1, hard: -1 }],
    }],
    [["--shm-size", "8m"], { shmSize: 8 * mib }],
    [["--sysctl", "net.core.somaxconn=99", "--sysctl", "kernel/shmmni=7"], {
      sysctls: { "net.core.somaxconn": "99", "kernel.shmmni": "7" },
    }],
    [["--device", "/dev/fuse:/dev/mine:r"], {
      devices: [{ source: "/dev/fuse", target: "/dev/mine", access: "r" }],
    }],
    [["--group-add", "staff", "--group-add", "7"], { groupAdd: ["staff", "7"] }],
    [["--annotation", "a=b=c"], { annotations: { a: "b=c" } }],
    [["--oom-score-adj", "-999"], { oomScoreAdj: -999 }],
    [["--cgroup-parent", "/batch"], { cgroupParent: "/batch" }],
    [["--cgroupns", "host"], { cgroupns: "host" }],
    [["--pid", "host"], { pid: "host" }],
    [["--ipc", "private"], { ipc: "private" }],
    [["--uts", "host"], { uts: "host" }],
    [["--init"], { init: true }],
    [["--init-path", "/usr/bin/tini-static"], { init: "/usr/bin/tini-static" }],
    [["--init", "--init-path", "/usr/bin/tini-static"], { init: "/usr/bin/tini-static" }],
    [["--timeout", "1m30s"], { timeoutMs: 90_000 }],
    [["--timeout", "10"], { timeoutMs: 10_000 }],
    [["--dns", "10.0.0.53", "--dns-search", ".", "--dns-option", "ndots:2"], {
      dns: ["10.0.0.53"],
      dnsSearch: ["."],
      dnsOption: ["ndots:2"],
    }],
    [["--add-host", "db:10.0.0.7", "--add-host", "me=host-gateway"], {
      addHost: [{ name: "db", address: "10.0.0.7" }, { name: "me", address: "host-gateway" }],
    }],
    [["--security-opt", "seccomp=unconfined"], { securityOpt: ["seccomp=unconfined"] }],
    [["--log", "none"], { log: "none" }],
    [["--replace", "--name", "web"], { name: "web" }],
  ];
  for (const [flags, expected] of cases) {
    const options = new Map(Object.entries(await optionsOf(...flags)));
    const found = Object.fromEntries(Object.keys(expected).map((key) => [key, options.get(key)]));
    assert.deepEqual(found, expected, flags.join(" "));
  }
});

test("a value of the wrong form is refused by the name of its flag", async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["--cpu-shares", "many"], /--cpu-shares.*"many" is not an integer/],
    [["--cpuset-cpus", "a-b"], /--cpuset-cpus "a-b"/],
    [["--memory-swap", "12q"], /--memory-swap: "12q" is not a size/],
    [["--ulimit", "nofile"], /--ulimit "nofile" has no value/],
    [["--sysctl", "x"], /--sysctl "x"/],
    [["--device", "dev/null"], /--device "dev\/null"/],
    [["--oom-score-adj", "1001"], /--oom-score-adj.*from -1000 to 1000/],
    [["--pid", "container:x"], /--pid.*one of private, host/],
    [["--timeout", "soon"], /--timeout.*"soon" is not a duration/],
    [["--dns", "localhost"], /--dns "localhost" is not an IP address/],
    [["--add-host", "db"], /--add-host "db"/],
    [["--log", "none", "--log", "file"], /--log is given twice/],
    [["--replace"], /--replace has nothing to replace.*\nhint: name the container with --name/],
  ];
  for (const [flags, message] of cases) assert.match(await refusal(...flags), message);
});

test("run takes every flag of a container, and says it in its help", async () => {
  const { code, stdout } = await transcript(["run", "--help"], { commands });
  assert.equal(code, 0);
  for (const name of ["--memory-swap SIZE", "--pid private|host", "--add-host NAME:IP", "--timeout DURATION"]) {
    assert.ok(stdout.includes(name), name);
  }
});
