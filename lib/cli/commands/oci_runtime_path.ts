import { findProgram } from "../../base/find_program.ts";

/** The absolute path of what `--oci-runtime` names; `not_found` when there is no such program. Undefined without the flag. */
export function ociRuntimePath(flag: string | undefined): string | undefined {
  return flag === undefined ? undefined : findProgram(flag, {
    searchPath: Deno.env.get("PATH") ?? "",
    otherwise: "install it, or give its path to --oci-runtime",
  });
}
