/** The program inside a test's portable executable: says what reached it. */

const [mode] = Deno.args;

if (mode === "signals") {
  // Says when it is ready, then which signal came, and ends with the code that a shell would make of it.
  for (const [name, code] of [["SIGTERM", 143], ["SIGINT", 130], ["SIGHUP", 129]] as const) {
    Deno.addSignalListener(name, () => {
      Deno.stdout.writeSync(new TextEncoder().encode(`${name}\n`));
      Deno.exit(code);
    });
  }
  Deno.stdout.writeSync(new TextEncoder().encode(`ready ${Deno.pid}\n`));
  setInterval(() => {}, 1000);
} else if (mode === "copy") {
  await Deno.stdin.readable.pipeTo(Deno.stdout.writable);
} else {
  const { selfCommand } = await import("../../lib/base/build_info.ts");
  console.log(JSON.stringify({
    args: Deno.args,
    env: Deno.env.toObject(),
    pid: Deno.pid,
    umask: Deno.umask(),
    cwd: Deno.cwd(),
    comm: Deno.readTextFileSync("/proc/self/comm").trim(),
    self: selfCommand(),
  }));
}
