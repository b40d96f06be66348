import { reportCrash, runCli } from "./lib/cli/main.ts";

// Without these, Deno would end with code 1 and a stack: a crash of ours would look like a failed operation.
globalThis.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  Deno.exit(reportCrash(event.reason));
});
globalThis.addEventListener("error", (event) => {
  event.preventDefault();
  Deno.exit(reportCrash(event.error));
});

Deno.exit(await runCli(Deno.args));
