import { CheckpointOptions, Options } from "../../proto/gen/runc/options.ts";
import type { Any } from "../../proto/gen/google/protobuf/any.ts";
import type { CheckpointTaskRequest } from "./task.ts";

/**
 * Options of Tasks/Create that make the runc shim restore: with an image path containerd leaves its content store alone.
 * They replace those of the record, and so name the OCI runtime, too.
 */
export function packRestore(
  { images, work }: { readonly images: string; readonly work?: string | undefined },
  binary = "",
): Any {
  const options = Options.fromPartial({ criuImagePath: images, criuWorkPath: work ?? "", binaryName: binary });
  return { typeUrl: "containerd.runc.v1.Options", value: Options.encode(options).finish() };
}

/** Options of Tasks/Checkpoint; an image path makes it one RPC without a copy into the content store (1.6 and later). */
export function packCheckpoint(request: CheckpointTaskRequest): Any {
  const options = CheckpointOptions.fromPartial({
    exit: request.exit,
    openTcp: request.openTcp,
    externalUnixSockets: request.externalUnixSockets,
    terminal: request.shellJob,
    fileLocks: request.fileLocks,
    emptyNamespaces: [...request.emptyNamespaces],
    imagePath: request.images,
    workPath: request.work,
  });
  return { typeUrl: "containerd.runc.v1.CheckpointOptions", value: CheckpointOptions.encode(options).finish() };
}
