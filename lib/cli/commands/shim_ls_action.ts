import { bundlesDirectory } from "../../shim/bundles_directory.ts";
import { listShims, type ShimContainer, type ShimSummary } from "../../shim/list_shims.ts";
import { shortId } from "../../wire/identifier.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import type { Column } from "../output.ts";
import type { shimLsFlags } from "./shim.ts";

/** A row; its keys are the fields of `--format`. */
interface Row {
  /** Undefined when it is dead or cannot be found. */
  readonly PID: number | undefined;
  readonly Version: string | undefined;
  readonly Protocol: string;
  readonly Status: ShimSummary["condition"];
  readonly Containers: readonly { readonly ID: string; readonly Status: ShimContainer["status"] }[];
  readonly Namespace: string;
  readonly Program: string | undefined;
}

const columns: readonly Column<Row>[] = [
  { header: "PID", field: "PID" },
  { header: "VERSION", field: "Version" },
  { header: "PROTOCOL", field: "Protocol" },
  { header: "STATUS", field: "Status" },
  {
    header: "CONTAINERS",
    field: "Containers",
    text: ({ Containers }) => Containers.map(({ ID, Status }) => `${shortId(ID)} (${Status})`).join(", "),
  },
  { header: "NAMESPACE", field: "Namespace" },
];

const fields = ["PID", "Version", "Protocol", "Status", "Containers", "Namespace", "Program"] as const;

/** Lists the shims of the instance. One that hangs costs two seconds, however many do. */
export async function run(
  { flags }: Invocation<ValuesOf<typeof shimLsFlags>>,
  context: CliContext,
): Promise<number> {
  const shims = await listShims(bundlesDirectory(context.settings.state), { signal: context.signal });
  const rows = shims.map(rowOf).filter(({ PID }) => !flags.quiet || PID !== undefined);
  context.output.list(rows, { columns, fields, quiet: flags.quiet ? "PID" : undefined });
  return 0;
}

function rowOf({ pid, version, protocol, service, condition, containers, namespace, program }: ShimSummary): Row {
  const generation = service?.replace(/^containerd\.(.*)\.Task$/, " $1") ?? "";
  return {
    PID: pid,
    Version: version,
    Protocol: `${protocol}${generation}`,
    Status: condition,
    Containers: containers.map(({ id, status }) => ({ ID: id, Status: status })),
    Namespace: namespace,
    Program: program,
  };
}
