import type { PackedValue } from "./any.ts";

/** What is stored of a container. */
export interface ContainerRecord {
  /** 64 hex digits, or what another client chose. */
  readonly id: string;
  /** All labels. */
  readonly labels: Readonly<Record<string, string>>;
  /** Image reference; empty for a container from a directory. */
  readonly image: string;
  /** Runtime, e.g. `io.containerd.runc.v2`. */
  readonly runtime: string;
  /** The OCI spec, packed; see `wire/any.ts`. */
  readonly spec: PackedValue | undefined;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}
