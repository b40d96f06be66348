/** The CLI as a process of its own: what a captured outside cannot show. */
import assert from "node:assert/strict";
import { test } from "../../support/test.ts";

const root = new URL("../../../", import.meta.url);
const main = new URL("main.ts", root).pathname;
const io = new URL("lib/cli/io.ts", root).href;
const env = { NO_COLOR: "1" };

function shell(script: string, extra: Readonly<Record<string, string>> = {}): Promise<Deno.CommandOutput> {
  return new Deno.Command("/bin/bash", {
    args: ["-c", script.replaceAll("GANTRY", `${Deno.execPath()} run -A --no-check ${main}`)],
    env: { ...env, ...extra },
    stdin: "null",
  }).output();
}

function text({ stdout, stderr }: Deno.CommandOutput): readonly [stdout: string, stderr: string] {
  return [new TextDecoder().decode(stdout), new TextDecoder().decode(stderr)];
}

test("T16 a wrong command line exits 125 with nothing on stdout", async () => {
  const output = await shell("GANTRY verzion");
  assert.equal(output.code, 125);
  assert.deepEqual(text(output), ["", 'gantry: unknown command "verzion"\nhint: did you mean "gantry version"?\n']);
});

test("T02 a reader that goes away ends a command quietly", async () => {
  const output = await shell('GANTRY completion zsh | true; echo "${PIPESTATUS[0]}"');
  assert.equal(text(output)[1], "");
  assert.match(text(output)[0], /^(141|0)\n$/);
  const closed = await shell('GANTRY --help > >(exec 0<&-; sleep 0) ; echo "$?"');
  assert.equal(text(closed)[1], "");
});

test("T02 stdout that was closed from the start does not hide the error of a command", async () => {
  const output = await shell("GANTRY bogus 2>&1 >&-");
  assert.equal(output.code, 125);
});

test("a full non-blocking pipe is waited for and loses no byte", async () => {
  const writer = `
    import { systemIo } from ${JSON.stringify(io)};
    const libc = Deno.dlopen("libc.so.6", { fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" } });
    libc.symbols.fcntl(1, 4, 2048); // F_SETFL, O_NONBLOCK
    systemIo().stdout.write("x".repeat(1 << 20));
  `;
  const output = await new Deno.Command("/bin/bash", {
    args: ["-c", `${Deno.execPath()} eval '${writer}' | (sleep 0.3; wc -c)`],
    env,
    stdin: "null",
  }).output();
  assert.deepEqual(text(output), [`${1 << 20}\n`, ""]);
});

test("an error that nobody catches exits 125 with a message and no stack", async () => {
  const script = new URL("lib/cli/main.ts", root).href;
  const program = `
    import { reportCrash } from ${JSON.stringify(script)};
    globalThis.addEventListener("unhandledrejection", (event) => {
      event.preventDefault();
      Deno.exit(reportCrash(event.reason));
    });
    Promise.reject(new Error("lost"));
    await new Promise(() => {});
  `;
  const output = await new Deno.Command(Deno.execPath(), { args: ["eval", program], env, stdin: "null" }).output();
  assert.equal(output.code, 125);
  assert.equal(text(output)[1], "gantry: lost\nhint: this is a defect of gantry; --debug shows where it happened\n");
});

test("T04 raw mode is left when the process exits, is terminated or crashes, and a signal still ends it", async () => {
  const terminal = new URL("lib/cli/terminal.ts", root).href;
  for (
    const [end, code] of [["Deno.exit(3)", 3], ["throw new Error()", 1], [
      'Deno.kill(Deno.pid, "SIGTERM")',
      143,
    ]] as const
  ) {
    const program = `
      import { RawTerminal } from ${JSON.stringify(terminal)};
      import { systemIo } from ${JSON.stringify(io)};
      const raw = new RawTerminal({ io: systemIo() });
      if (!raw.active) Deno.exit(99);
      setTimeout(() => { ${end} }, 1);
      await new Promise((resolve) => setTimeout(resolve, 5000));
    `;
    const path = await Deno.makeTempFile({ suffix: ".ts" });
    await Deno.writeTextFile(path, program);
    // script(1) gives it a terminal; stty shows what it was left in. Deno.exit of the file itself is what is tested.
    const inner =
      `${Deno.execPath()} run -A --no-check ${path} 2>/dev/null; echo "code $?"; stty -a | grep -o -- "-\\?icanon\\|-\\?echo\\b" | tr "\\n" " "`;
    const output = await new Deno.Command("script", {
      args: ["-qec", inner, "/dev/null"],
      env: { ...env, TERM: "xterm" },
      stdin: "null",
    }).output();
    await Deno.remove(path);
    assert.match(text(output)[0], new RegExp(`code ${code}\\r?\\n.*icanon echo`), end);
    assert.doesNotMatch(text(output)[0], /-icanon|-echo /, end);
  }
});

test("start-up loads nothing from npm or node, and no engine, supervisor, log sink or TOML", async () => {
  const output = await new Deno.Command(Deno.execPath(), { args: ["info", "--json", main], env: {}, stdin: "null" })
    .output();
  const graph: unknown = JSON.parse(text(output)[0]);
  const loaded = staticModules(graph, `file://${main}`).map((each) => each.replace(root.href, ""));
  assert.deepEqual(loaded.filter((each) => !/^(main\.ts|lib\/(cli|base)\/)/.test(each)), []);
  assert.deepEqual(
    loaded.filter((each) => /log_sink|libc|proc|_action|help\.ts$/.test(each) && !each.includes("commands/help.ts")),
    [],
  );
});

/** Specifiers reachable by static imports that are not types only. */
function staticModules(graph: unknown, start: string): readonly string[] {
  const modules = new Map<string, Readonly<Record<string, unknown>>>(
    Object(graph).modules.map((each: unknown) => [Object(each).specifier, Object(each)]),
  );
  const seen = new Set<string>();
  const open = [start];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    for (const dependency of Object(modules.get(name)).dependencies ?? []) {
      const { code, isDynamic } = Object(dependency);
      if (isDynamic !== true && typeof code?.specifier === "string") open.push(code.specifier);
    }
  }
  return [...seen].sort();
}
