import type { Spec } from "../../wire/oci.ts";

/**
 * docker's mode of a namespace: `host` when the container shares the host's, `own` when it has one of its own, `ns:PATH`
 * when it joins one; empty without a spec.
 */
export function namespaceMode(spec: Spec | undefined, type: string, own: string): string {
  if (spec === undefined) return "";
  const namespace = spec.linux?.namespaces?.find((each) => each.type === type);
  if (namespace === undefined) return "host";
  return (namespace.path ?? "") === "" ? own : `ns:${namespace.path}`;
}

/** `none` for a network of its own without an interface, `host`, or `ns:PATH`. */
export function networkMode(spec: Spec | undefined): string {
  return namespaceMode(spec, "network", "none");
}
