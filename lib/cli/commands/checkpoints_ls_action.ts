import { formatBytes } from "../../base/bytes.ts";
import type { CheckpointRecord } from "../../engine/checkpoint/checkpoint_record.ts";
import { openCheckpoints } from "../../engine/checkpoint/checkpoint_store.ts";
import { findCheckpointed } from "../../engine/checkpoint/find_checkpoints.ts";
import { shortId } from "../../wire/identifier.ts";
import { ago } from "../ago.ts";
import type { Invocation, ValuesOf } from "../command.ts";
import type { CliContext } from "../context.ts";
import { chooseEngine } from "../engine.ts";
import type { Column } from "../output.ts";
import { reportWarning } from "../report.ts";
import type { checkpointsLsFlags } from "./checkpoints.ts";

/** A row; its keys are the fields of `--format`. */
interface Row {
  readonly Name: string;
  readonly Container: string;
  readonly ContainerID: string;
  readonly ID: string;
  readonly CreatedAt: string;
  readonly CreatedSince: string;
  readonly Size: number;
  readonly LeftRunning: boolean;
  readonly Options: string;
}

const columns: readonly Column<Row>[] = [
  { header: "NAME", field: "Name" },
  { header: "CONTAINER", field: "Container" },
  { header: "CONTAINER ID", field: "ContainerID", text: ({ ContainerID }) => shortId(ContainerID) },
  { header: "CREATED", field: "CreatedSince" },
  { header: "SIZE", field: "Size", text: ({ Size }) => formatBytes(Size) },
];

const fields = [
  "Name",
  "Container",
  "ContainerID",
  "ID",
  "CreatedAt",
  "CreatedSince",
  "Size",
  "LeftRunning",
  "Options",
] as const;

/** Lists the checkpoints of the namespace or of one container. Asks nobody: they are files. */
export async function run(
  { flags, args }: Invocation<ValuesOf<typeof checkpointsLsFlags>>,
  context: CliContext,
): Promise<number> {
  const { instance } = await chooseEngine(context);
  const scope = { instance, namespace: context.settings.namespace };
  const [reference] = args;
  const container = reference === undefined ? undefined : await findCheckpointed(reference, scope);
  const { checkpoints, broken } = await openCheckpoints(scope.instance.root).list({
    namespace: scope.namespace,
    container,
  });
  const now = context.clock.now();
  const rows = checkpoints.map((record) => rowOf(record, now));
  context.output.list(rows, { columns, fields, quiet: flags.quiet ? "Name" : undefined });
  for (const { ref, reason } of broken) {
    reportWarning(`checkpoint ${ref.name} of ${ref.container} cannot be used: ${reason}`, context.stderr, context);
  }
  return 0;
}

function rowOf(record: CheckpointRecord, now: number): Row {
  return {
    Name: record.name,
    Container: record.containerName,
    ContainerID: record.container,
    ID: record.id,
    CreatedAt: new Date(record.createdAt).toISOString(),
    CreatedSince: `${ago(now - record.createdAt)} ago`,
    Size: record.sizeBytes,
    LeftRunning: record.leftRunning,
    Options: Object.keys(record.options).join(","),
  };
}
