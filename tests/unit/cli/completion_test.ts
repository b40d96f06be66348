import assert from "node:assert/strict";
import { firstReason, test } from "../../support/test.ts";
import { transcript } from "./captured_io.ts";
import { sampleCommands } from "./sample_command.ts";
import { completion } from "../../../lib/cli/commands/completion.ts";
import { help } from "../../../lib/cli/commands/help.ts";

const commands = [...sampleCommands, completion, help];

/** A command line with the cursor at its end, and what is offered there. */
const cases: readonly (readonly [line: string, offered: readonly string[]])[] = [
  ["gantry ", ["completion", "config", "help", "sample", "version"]],
  ["gantry s", ["sample"]],
  ["gantry sample --n", ["--name", "--namespace", "--network"]],
  ["gantry sample --network ", ["host", "none"]],
  ["gantry --color ", ["always", "auto", "never"]],
  ["gantry config ", ["path", "show"]],
  ["gantry --json config s", ["show"]],
  ["gantry --state /tmp sample --oom", ["--oom-score"]],
  ["gantry sample --memory ", []],
  ["gantry completion ", ["bash", "fish", "zsh"]],
  ["gantry help c", ["completion", "config"]],
  ["gantry sample --rm /etc/hostnam", ["/etc/hostname"]],
  ["gantry sample -- /etc/hostnam", ["/etc/hostname"]],
];

async function script(shell: string): Promise<string> {
  const { code, stdout, stderr } = await transcript(["completion", shell], { commands });
  assert.deepEqual([code, stderr], [0, ""]);
  return stdout;
}

/** Runs a shell over the completion script and a driver; fish makes directories in its home. */
async function run(shell: string, args: readonly string[]): Promise<string> {
  const home = await Deno.makeTempDir({ prefix: "gantry-completion-" });
  try {
    const command = new Deno.Command(shell, { args: [...args], env: { HOME: home }, stdin: "null" });
    const { stdout, stderr } = await command.output();
    assert.equal(new TextDecoder().decode(stderr), "");
    return new TextDecoder().decode(stdout);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

function missing(shell: string): string | undefined {
  const found = (Deno.env.get("PATH") ?? "").split(":").some((directory) => {
    try {
      return Deno.statSync(`${directory}/${shell}`).isFile;
    } catch {
      return false;
    }
  });
  return found ? undefined : `${shell} is not installed`;
}

test("bash completes commands, flags, values and files", { skip: firstReason(missing("bash")) }, async () => {
  const text = await script("bash");
  for (const [line, offered] of cases) {
    const words = line.split(" ").map((word) => `'${word}'`);
    const driver = `${text}\nCOMP_WORDS=(${words.join(" ")}); COMP_CWORD=${
      words.length - 1
    }; _gantry; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const out = await run("bash", ["--norc", "-c", driver]);
    assert.deepEqual(out.split("\n").filter((each) => each !== "").sort(), [...offered], line);
  }
});

test("bash completes after = too, where it splits words", { skip: firstReason(missing("bash")) }, async () => {
  const driver = `${await script(
    "bash",
  )}\nCOMP_WORDS=(gantry sample --network = h); COMP_CWORD=4; _gantry; echo "\${COMPREPLY[@]}"`;
  assert.equal(await run("bash", ["--norc", "-c", driver]), "host\n");
});

test("fish completes the same", { skip: firstReason(missing("fish")) }, async () => {
  const text = await script("fish");
  for (const [line, offered] of cases) {
    const out = await run("fish", [
      "--no-config",
      "-c",
      `${text}\ncomplete -C '${line}' | string replace -r '\\t.*' ''`,
    ]);
    assert.deepEqual(out.split("\n").filter((each) => each !== "").sort(), [...offered], line);
  }
});

test("zsh understands its script", { skip: firstReason(missing("zsh")) }, async () => {
  const text = await script("zsh");
  await run("zsh", ["-f", "-n", "-c", text]);
});

test("the scripts have every command and quote what is in a summary", async () => {
  const zsh = await script("zsh");
  assert.match(zsh, /^#compdef gantry\n/);
  assert.match(zsh, /'\(-m --memory\)'\{-m,--memory=\}'\[Limit\]:value: '/);
  const fish = await script("fish");
  assert.match(fish, /complete -c gantry -n '__gantry_at \\'sample\\'' -s m -l memory -x -d 'Limit'/);
});

test("T16 an unknown shell is refused with the nearest", async () => {
  const { code, stderr } = await transcript(["completion", "fihs"], { commands });
  assert.equal(code, 125);
  assert.equal(stderr, 'gantry: there is no completion for the shell "fihs"\nhint: did you mean fish?\n');
});
