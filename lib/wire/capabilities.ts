import { GantryError } from "../base/errors.ts";
import { didYouMean } from "../base/suggest.ts";

/** Capabilities by number, as linux/capability.h has them up to Linux 6.x; the names are without `CAP_`. */
const names = `
  CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
  NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE
  SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE
  AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF
  CHECKPOINT_RESTORE
`.trim().split(/\s+/);

/** Every capability gantry knows, by number, e.g. `CAP_CHOWN` at 0. */
export const allCapabilities: readonly string[] = names.map((name) => `CAP_${name}`);

/**
 * The full name of a capability given as `NET_ADMIN`, `CAP_NET_ADMIN` or `net_admin`. Anything else is
 * `invalid_argument`; its hint has the nearest right name.
 */
export function capabilityName(text: string): string {
  const short = text.trim().toUpperCase().replace(/^CAP_/, "");
  if (names.includes(short)) return `CAP_${short}`;
  throw new GantryError("invalid_argument", `${JSON.stringify(text)} is not a capability`, {
    hint: didYouMean(short, [...names, "ALL"]) ?? "see capabilities(7) for the names, e.g. NET_ADMIN; ALL means all",
  });
}

/** The capabilities in a mask as /proc/PID/status prints it (hexadecimal); bits without a name are left out. */
export function capabilitiesOfMask(hexadecimal: string): readonly string[] {
  if (!/^[0-9a-fA-F]{1,32}$/.test(hexadecimal)) {
    throw new GantryError("data_loss", `${JSON.stringify(hexadecimal)} is not a capability mask`);
  }
  const mask = BigInt(`0x${hexadecimal}`);
  return allCapabilities.filter((_, bit) => (mask >> BigInt(bit) & 1n) === 1n);
}
