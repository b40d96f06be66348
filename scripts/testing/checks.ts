/** The checks of the gate besides tests: each is one command whose exit code says whether it holds. */

/** A check. */
export interface Check {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** What to do when it fails. */
  readonly remedy: string;
}

const deno = Deno.execPath();

export const checks: readonly Check[] = [
  { name: "format", program: deno, args: ["fmt", "--check", "--quiet"], remedy: "deno task fmt" },
  { name: "lint", program: deno, args: ["lint", "--quiet"], remedy: "see the hints above" },
  {
    name: "types",
    program: deno,
    args: ["check", "--quiet", "main.ts", "lib", "tests", "scripts"],
    remedy: "see the errors above",
  },
  {
    name: "documentation of the public API",
    program: deno,
    args: ["doc", "--lint", "--quiet", "lib/mod.ts"],
    remedy: "give what lib/mod.ts exports a comment and explicit types",
  },
  {
    name: "generated code is fresh",
    program: "scripts/generate_proto",
    args: ["--check"],
    remedy: "deno task generate",
  },
];
