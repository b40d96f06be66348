import assert from "node:assert/strict";
import fc from "fast-check";
import { GantryError } from "../../../lib/base/errors.ts";
import { parseProcess, type ProcessFacts, readProcess, uptimeMs } from "../../../lib/engine/process_facts.ts";
import { test } from "../../support/test.ts";

const status = `Name:	sh
State:	S (sleeping)
Pid:	4242
Uid:	1000	33	33	33
NSpid:	4242	77	7
VmPeak:	   11300 kB
VmLck:	       0 kB
VmRSS:	    5120 kB
`;

/** Fields of /proc/PID/stat by their numbers, the rest as in a sleeping shell. */
function stat(given: Readonly<Record<number, string | number>> = {}): string {
  const fields = [
    "4242",
    "(sh)",
    ..."S 4200 4242 4242 34819 4242 4194304 300 0 0 0 120 30 0 0 20 0 1 0 5000 11534336 1280".split(" "),
  ];
  for (const [number, value] of Object.entries(given)) fields[Number(number) - 1] = String(value);
  return `${fields.join(" ")} 0 0 0\n`;
}

function parse(
  given: Readonly<Record<number, string | number>> = {},
  texts: Readonly<Record<string, string>> = {},
): ProcessFacts {
  return parseProcess({ stat: stat(given), status, cmdline: "sh\0-c\0sleep 60\0", ...texts }, 60_000);
}

test("the texts of /proc make one process", () => {
  assert.deepEqual(parse(), {
    pid: 4242,
    parent: 4200,
    uid: 33,
    command: "sh",
    args: ["sh", "-c", "sleep 60"],
    state: "Ss+",
    terminal: "pts/3",
    elapsedMs: 10_000,
    cpuMs: 1500,
    residentBytes: 5120 * 1024,
    virtualBytes: 11534336,
    innerPid: 7,
  });
});

test("a program's name may hold brackets and spaces", () => {
  const facts = parse({ 2: "(a) (b S 1 1)" });
  assert.equal(facts.command, "a) (b S 1 1");
  assert.equal(facts.cpuMs, 1500);
});

test("the letters of the state are those of ps", () => {
  assert.equal(parse({ 3: "R", 6: 1, 8: -1 }).state, "R");
  assert.equal(parse({ 6: 1, 8: -1, 19: 5 }).state, "SN");
  assert.equal(parse({ 6: 1, 8: -1, 19: -5, 20: 4 }).state, "S<l");
  assert.equal(parse({ 8: -1 }, { status: status.replace("VmLck:	       0", "VmLck:	      64") }).state, "SLs");
});

test("terminals have the names of their device numbers", () => {
  const device = (major: number, minor: number): number => (minor & 0xff) | major << 8 | (minor & ~0xff) << 12;
  const names = [[136, 0], [136, 300], [4, 1], [4, 64], [5, 1], [0, 0], [9, 9]].map(([major = 0, minor = 0]) =>
    parse({ 7: device(major, minor) }).terminal
  );
  assert.deepEqual(names, ["pts/0", "pts/300", "tty1", "ttyS0", "console", undefined, undefined]);
});

test("arguments that a process has written over are shown without the NULs at their end", () => {
  assert.deepEqual(parse({}, { cmdline: "sshd: root@pts/0\0\0\0\0" }).args, ["sshd: root@pts/0"]);
  assert.deepEqual(parse({}, { cmdline: "no end" }).args, ["no end"]);
  assert.deepEqual(parse({}, { cmdline: "" }).args, []);
  assert.deepEqual(parse({}, { cmdline: "a\0\0b\0" }).args, ["a", "", "b"]);
});

test("an old kernel's status without NSpid gives the pid itself", () => {
  assert.equal(parse({}, { status: "Uid:\t0\t0\t0\t0\n" }).innerPid, 4242);
});

test("a start after the uptime was read is no negative time", () => {
  assert.equal(parse({ 22: 6001 }).elapsedMs, 0);
});

test("X01 any texts are a process or data_loss", () => {
  fc.assert(fc.property(fc.string(), fc.string(), fc.string(), (text, other, cmdline) => {
    for (const given of [text, `1 (${text}) ${other}`]) {
      try {
        parseProcess({ stat: given, status: other, cmdline }, 1000);
      } catch (error) {
        assert.ok(error instanceof GantryError, String(error));
        assert.equal(error.code, "data_loss");
      }
    }
  }));
});

test("this very process is there, and one that cannot be is not", () => {
  const uptime = uptimeMs();
  assert.ok(uptime > 1000);
  const facts = readProcess(Deno.pid, uptime);
  assert.equal(facts?.parent, Deno.ppid);
  assert.ok((facts?.residentBytes ?? 0) > 1e6);
  assert.equal(readProcess(2 ** 31 - 1, uptime), undefined);
});
