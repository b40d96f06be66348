/** Who runs the containers of tests: containerd, or shims that gantry drives itself. */

/** The one of this run; GANTRY_TEST_RUNTIME=shim runs tests without any containerd. */
export const testRuntime: "containerd" | "shim" = Deno.env.get("GANTRY_TEST_RUNTIME") === "shim"
  ? "shim"
  : "containerd";

/** A reason to skip a test that is about containerd itself, when there is none; undefined otherwise. */
export function needsContainerd(): string | undefined {
  return testRuntime === "shim" ? "is about containerd, and GANTRY_TEST_RUNTIME=shim runs without" : undefined;
}
