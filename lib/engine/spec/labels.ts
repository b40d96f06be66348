import { GantryError } from "../../base/errors.ts";

/** containerd's limit for the key and the value of one label together, in bytes (core/labels/validate.go). */
const maxLabelBytes = 4096;

/**
 * Throws `invalid_argument` for a label that containerd would refuse after half the work is done: an empty key, or key and
 * value together longer than 4096 bytes.
 */
export function assertLabels(labels: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(labels)) {
    if (key === "") throw new GantryError("invalid_argument", `label "=${excerpt(value)}" has no key`);
    const size = bytesOf(key) + bytesOf(value);
    if (size > maxLabelBytes) {
      throw new GantryError(
        "invalid_argument",
        `label ${JSON.stringify(excerpt(key))} is ${size} bytes long with its value, the limit is ${maxLabelBytes}`,
        { hint: "keep large data in a file or an annotation" },
      );
    }
  }
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

function excerpt(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
