/** What a line of CRIU, runc or a shim means for the person who asked for the checkpoint. */
export interface KnownFailure {
  readonly pattern: RegExp;
  readonly hint: string;
}

/** CRIU's own words, taken from CRIU 3.17, 4.1 and 4.2. Of several that fit a log the first in this list counts. */
export const knownFailures: readonly KnownFailure[] = [
  {
    pattern: /Connected TCP socket/,
    hint: "the container has an open TCP connection: use --tcp-established, on checkpoint and on restore",
  },
  {
    pattern: /External socket (is used|found)|Can't dump half of stream unix/,
    hint: "a unix socket leads out of the container: use --ext-unix-sk, on checkpoint and on restore",
  },
  {
    pattern: /Unix socket \d+ without peer/,
    hint:
      "a unix socket leads to another network namespace, where CRIU does not look: it works with --network host only",
  },
  {
    pattern: /unix: Can't connect \d+ socket/,
    hint: "a unix socket outside of the container is gone, or has another path in the container than outside",
  },
  {
    pattern: /Some file locks are hold|--file-locks/,
    hint: "a process holds a file lock: use --file-locks, on checkpoint and on restore",
  },
  {
    pattern: /--shell-job|dangling tty|not a session leader|attached to shell terminal/,
    hint: "the container's terminal or session began outside of it: use --shell-job, or run it detached and without -t",
  },
  {
    pattern: /sockets: Can't get 1:(16|34) opt/,
    hint: "since Linux 6.16 CRIU before 4.2 cannot dump sockets: install CRIU 4.2 or later",
  },
  {
    pattern: /vdso: Unexpected rt vDSO|failed when initializing kerndat|unsupported RSEQ ABI|Unsupported stack guard/,
    hint: "this CRIU is too old for the running kernel: install a newer one and put it first in containerd's PATH",
  },
  {
    pattern: /execvp\("ip6?tables-\w+", \.\.\.\) failed/,
    hint: "CRIU locks connections with iptables, which is not installed: install it (Debian: iptables)",
  },
  {
    pattern: /Locking network failed|Iptables configuration failed|nft command error/,
    hint: "CRIU could not lock the network: iptables and the kernel's xt_mark (or nftables) are needed",
  },
  {
    pattern: /In-flight connection/,
    hint: "a connection was just being made: try again",
  },
  {
    pattern: /has bad (size|build-ID|mode)/,
    hint:
      "a file of the root filesystem has changed since the checkpoint; restore from an export, which carries the files",
  },
  {
    pattern: /Can't open file .* on restore|Can't open file .*No such file/,
    hint:
      "the root filesystem lacks a file that the container had open; restore with the changes of its own root filesystem",
  },
  {
    pattern: /Can't (bind|connect) inet socket( back)?.*(in use|Cannot assign)/,
    hint: "an address of the container is taken: is the original, or another restored copy, still running?",
  },
  {
    pattern: /Can't connect inet socket back|Can't bind inet socket/,
    hint:
      "the container's network is not as it was: its interfaces must be up and have the same addresses, or use --tcp-close",
  },
  {
    pattern: /Pid \d+ do not match|Can't fork for \d+: File exists/,
    hint: "a process id of the container is taken; one that shares the host's pid namespace can rarely be restored",
  },
  {
    pattern: /unreachable sharing|autodetected external mount|unsupported id \d+|Open files on overmounted/,
    hint: "CRIU cannot handle one of the container's mounts; private bind mounts and tmpfs work",
  },
  {
    pattern: /Can't lookup mount=-?\d+ for fd=/,
    hint: "a process has a file open that is outside the container; CRIU cannot find it again",
  },
  {
    pattern: /Can't dump ghost file/,
    hint: "a deleted file that is still open is too large; close it in the container first",
  },
  {
    pattern: /Use link-remap option/,
    hint: "a deleted file is open that has other names; close it in the container first",
  },
  {
    pattern: /Can't dump file \d+ of that type/,
    hint: "a process uses something CRIU cannot save (io_uring, a device, a GPU); end that use first",
  },
  {
    pattern: /cpu: .*(do not match|not supported|unsupported bits)/,
    hint: "the checkpoint was made on a CPU with features this one lacks",
  },
  {
    pattern: /within dumped tree/,
    hint: "the container contains the CRIU that dumps it: it shares the host's processes",
  },
  { pattern: /No space left on device/, hint: "free some space where checkpoints are kept" },
  {
    pattern: /Can't read image|Unexpected EOF on \(empty-image\)|Unable to open .*inventory|Can't open dir .*images/,
    hint: "the checkpoint is not complete: the dump that made it failed, or files are missing",
  },
  {
    pattern: /exec: "criu": executable file not found|CRIU version check failed.*not found/,
    hint: "install CRIU (Debian: criu), or put it into the PATH that containerd is started with",
  },
  {
    pattern: /Operation not permitted|CAP_SYS_ADMIN|CAP_CHECKPOINT_RESTORE/,
    hint: "CRIU needs root with all capabilities",
  },
];
