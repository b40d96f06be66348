import type { Any } from "../../proto/gen/google/protobuf/any.ts";
import { isCode } from "../base/errors.ts";
import type { CallOptions } from "../rpc/transport.ts";
import type { ContainerRecord } from "../wire/container_record.ts";

/** A container that is about to be stored. */
export interface NewRecord {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  /** containerd's name of the runtime. */
  readonly runtime: string;
  /** Program of the OCI runtime, an absolute path; default the shim's own, `runc` in PATH. */
  readonly ociRuntime?: string | undefined;
  /** The OCI spec, packed. */
  readonly spec: Any;
}

/** What {@link ContainerRecords.update} changes. */
export interface RecordChanges {
  /** Those that are not named stay. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Default: it stays. */
  readonly spec?: Any | undefined;
}

/** Who keeps what is stored of the containers of one namespace: containerd's metadata, or files. */
export interface ContainerRecords {
  /** Stores a container; `already_exists` when the id is taken. */
  create(record: NewRecord, options?: CallOptions): Promise<void>;
  /** One container; `not_found` when there is none. */
  get(id: string, options?: CallOptions): Promise<ContainerRecord>;
  /** All containers. */
  list(options?: CallOptions): Promise<readonly ContainerRecord[]>;
  /** Those that a reference may mean: of that name (in the label of names), or with an id that begins so. */
  find(reference: string, options?: CallOptions): Promise<readonly ContainerRecord[]>;
  /** Changes what is given; `not_found` when there is none. */
  update(id: string, changes: RecordChanges, options?: CallOptions): Promise<void>;
  /** Forgets a container; `not_found` when there is none. */
  delete(id: string, options?: CallOptions): Promise<void>;
}

/** True when there is a record of that id. */
export async function isStored(records: Pick<ContainerRecords, "get">, id: string): Promise<boolean> {
  try {
    await records.get(id);
    return true;
  } catch (error) {
    if (isCode(error, "not_found")) return false;
    throw error;
  }
}
