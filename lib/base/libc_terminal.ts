import { check, rareLibc } from "./libc.ts";

/** Bytes of `struct termios` in glibc and musl: 60; room to spare. */
const termiosBytes = 128;
/** Flush nothing, wait for what is being written (TCSADRAIN). */
const TCSADRAIN = 1;

/** A terminal by its descriptor. */
export interface LibcTerminal {
  /** Switches raw mode on, or back to the settings found when it was switched on. */
  setRaw(raw: boolean): void;
}

/**
 * Raw mode through termios(3). Deno's own leaves output processing on (OPOST), so that the carriage return a container's
 * terminal has written gets another one in front of each line feed; and it cannot give back settings it did not expect.
 */
export function libcTerminal(fd: number): LibcTerminal {
  let saved: Uint8Array<ArrayBuffer> | undefined;
  return {
    setRaw(raw) {
      if (raw) {
        const settings = new Uint8Array(termiosBytes);
        check(rareLibc().tcgetattr(fd, settings), `read the settings of the terminal on descriptor ${fd}`);
        saved ??= settings.slice();
        rareLibc().cfmakeraw(settings);
        check(rareLibc().tcsetattr(fd, TCSADRAIN, settings), `set the terminal on descriptor ${fd}`);
      } else if (saved !== undefined) {
        const settings = saved;
        saved = undefined;
        check(rareLibc().tcsetattr(fd, TCSADRAIN, settings), `give back the terminal on descriptor ${fd}`);
      }
    },
  };
}
