/** Makes text safe for a terminal. */

// deno-lint-ignore no-control-regex -- control characters are what this is about
const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/**
 * Replaces control characters but tab and newline by `\xNN` or `\u{NNNN}`. A container's label or an error text may carry an
 * escape sequence that rewrites the screen; the bidirectional marks can make text read as something else.
 */
export function escapeControl(text: string): string {
  return text.replace(control, (character) => {
    const code = character.charCodeAt(0);
    return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}
