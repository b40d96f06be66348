/** The flags that say what a container is: those of `run`, and of whatever else makes one. */
import { booleanFlag, bytesFlag, choiceFlag, keyValueFlag, listFlag, numberFlag, stringFlag } from "../flags.ts";

export const containerFlags = {
  rootfs: stringFlag({
    summary: "Directory to run in; with :O changes go to a throw-away overlay",
    placeholder: "DIR[:O]",
    complete: "directory",
  }),
  name: stringFlag({ summary: "Name of the container", placeholder: "NAME", defaultText: "the start of its id" }),
  rm: booleanFlag({ summary: "Remove the container when it has ended" }),
  entrypoint: stringFlag({ summary: "Program to put before the command", placeholder: "PROGRAM" }),
  env: listFlag({ summary: "Set a variable; KEY alone takes ours", short: "e", placeholder: "KEY=VALUE" }),
  envFile: listFlag({ summary: "Read variables from a file", placeholder: "FILE", complete: "file" }),
  workdir: stringFlag({ summary: "Working directory in the container", short: "w", placeholder: "DIR" }),
  user: stringFlag({ summary: "Run as this user, by name or number", short: "u", placeholder: "USER[:GROUP]" }),
  hostname: stringFlag({ summary: "Host name", placeholder: "NAME", defaultText: "the start of its id" }),
  volume: listFlag({ summary: "Bind-mount a host path", short: "v", placeholder: "SRC:DST[:OPTIONS]" }),
  mount: listFlag({ summary: "Mount in long form", placeholder: "type=bind,source=…,target=…" }),
  tmpfs: listFlag({ summary: "Mount an empty tmpfs", placeholder: "DIR[:OPTIONS]" }),
  readOnly: booleanFlag({ summary: "Mount the root filesystem read-only" }),
  network: choiceFlag({ summary: "Network", choices: ["none", "host"], default: "none" }),
  memory: bytesFlag({ summary: "Memory limit", short: "m" }),
  cpus: numberFlag({ summary: "CPUs it may use, e.g. 1.5", min: 0.01, fraction: true }),
  pidsLimit: numberFlag({ summary: "Processes and threads it may have; -1 for no limit", min: -1 }),
  capAdd: listFlag({ summary: "Add a capability, or ALL", placeholder: "CAP" }),
  capDrop: listFlag({ summary: "Drop a capability, or ALL", placeholder: "CAP" }),
  privileged: booleanFlag({ summary: "All capabilities and devices, no seccomp, nothing masked" }),
  securityOpt: listFlag({
    summary: "seccomp=FILE|unconfined, apparmor=PROFILE, no-new-privileges",
    placeholder: "OPTION",
  }),
  label: keyValueFlag({ summary: "Label the container" }),
  stopSignal: stringFlag({ summary: "Signal of a polite stop", placeholder: "SIGNAL", defaultText: "TERM" }),
  stopTimeout: numberFlag({ summary: "Seconds between the polite stop and KILL", min: -1, defaultText: "10" }),
  spec: stringFlag({ summary: "Take the OCI config.json FILE instead of ours", placeholder: "FILE", complete: "file" }),
  cidfile: stringFlag({ summary: "Write the id to FILE, which must not exist", placeholder: "FILE", complete: "file" }),
} as const;
