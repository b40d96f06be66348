import type { ProcessIdentity } from "../base/proc.ts";
import { parseIdentity, parseRecord } from "./status.ts";

/** What the holder of an instance's lock writes into it. */
export function holderText(self: ProcessIdentity): string {
  return `${JSON.stringify({ ...self, startTime: String(self.startTime) })}\n`;
}

/** Who wrote {@link holderText}; undefined when it makes no sense or nobody holds the lock. */
export function holderIdentity(text: string | undefined): ProcessIdentity | undefined {
  return parseIdentity(parseRecord(text ?? ""));
}
