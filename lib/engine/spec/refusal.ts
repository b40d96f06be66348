import { GantryError } from "../../base/errors.ts";

/** Makes the error for a value of a flag: `why` completes "--flag value …", the hint says what to write instead. */
export type Refuse = (why: string, hint?: string) => GantryError;

/** For parsers: errors that begin with the flag and the text as it was given. */
export function refusal(flag: string, text: string): Refuse {
  return (why, hint) => new GantryError("invalid_argument", `${flag} ${JSON.stringify(text)} ${why}`, { hint });
}
