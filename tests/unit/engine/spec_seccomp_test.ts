import assert from "node:assert/strict";
import { isRecord } from "../../../lib/base/json.ts";
import { defaultCapabilities } from "../../../lib/engine/spec/capability_set.ts";
import { buildSpec } from "../../../lib/engine/spec/build.ts";
import { callsByCapability, ordinaryCalls } from "../../../lib/engine/spec/seccomp_calls.ts";
import { defaultSeccompProfile } from "../../../lib/engine/spec/seccomp_default.ts";
import { parseSeccompProfile } from "../../../lib/engine/spec/seccomp_file.ts";
import { resolveSeccomp, type SeccompProfile, type SeccompTarget } from "../../../lib/engine/spec/seccomp_profile.ts";
import { allCapabilities } from "../../../lib/wire/capabilities.ts";
import { test } from "../../support/test.ts";
import { debianSeccompProfile } from "../../support/versions.ts";
import { gantryError, specInput } from "./spec_fixtures.ts";

const target: SeccompTarget = {
  host: { architecture: "x86_64", kernel: "6.1.0-18-amd64" },
  capabilities: defaultCapabilities,
};

/** Names that some rule allows for the target, with or without conditions on arguments. */
function allowed(profile: SeccompProfile, at: SeccompTarget = target): ReadonlySet<string> {
  const rules = resolveSeccomp(profile, at).syscalls ?? [];
  return new Set(rules.filter((rule) => rule.action === "SCMP_ACT_ALLOW").flatMap((rule) => rule.names));
}

/** Names whose call is allowed whatever its arguments are. */
function allowedOutright(profile: SeccompProfile, at: SeccompTarget = target): ReadonlySet<string> {
  const rules = resolveSeccomp(profile, at).syscalls ?? [];
  return new Set(
    rules.filter((rule) => rule.action === "SCMP_ACT_ALLOW" && rule.args === undefined).flatMap((rule) => rule.names),
  );
}

const words = (text: string): readonly string[] => text.trim().split(/\s+/);
const minus = (a: ReadonlySet<string>, b: ReadonlySet<string>): readonly string[] => [...a.difference(b)].sort();

function assertWithin(found: readonly string[], declared: readonly string[]): void {
  assert.deepEqual(found.filter((name) => !declared.includes(name)), []);
}

// Why ours differs from Debian's file, which is podman's profile of 2022 (containers/common 0.50), for the default capabilities.
const differences = {
  /** docker 25–29 allows these; they are newer than Debian's file, or its authors took another view. */
  onlyOurs: words(`
    cachestat fchmodat2 futex_requeue futex_wait futex_waitv futex_wake getxattrat io_pgetevents io_pgetevents_time64
    listmount listxattrat map_shadow_stack mseal removexattrat riscv_hwprobe setxattrat statmount uretprobe vmsplice
  `),
  /** podman lets a container that may make user namespaces mount in them; docker asks for CAP_SYS_ADMIN. */
  namespaces: words(`
    clone3 fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree pivot_root setns umount umount2 unshare
  `),
  /** docker asks for CAP_SYS_NICE, CAP_SYS_PTRACE, CAP_SYS_BOOT and CAP_SYSLOG; podman leaves that to the kernel. */
  capabilities: words("get_mempolicy mbind set_mempolicy pidfd_getfd reboot syslog"),
  /** Keys are not in a namespace. */
  keys: words("keyctl"),
  /** Calls of no architecture we make filters for, and two names that libseccomp does not even know. */
  obsolete: words("readdir sigaction signal sigpending sigsuspend syscall timerfd"),
};

const debianProfile = debianSeccompProfile();

test("the default profile differs from Debian's only where we say so and why", {
  skip: debianProfile === undefined ? "Debian's profile is not here: run scripts/setup --tests" : undefined,
}, () => {
  const document: unknown = JSON.parse(Deno.readTextFileSync(debianProfile ?? ""));
  const debian = parseSeccompProfile(document, "seccomp.json");
  const theirs = allowed(debian);
  const ours = allowed(defaultSeccompProfile);
  // Subsets, because a later suite has a later file, which has caught up with some of these.
  assertWithin(minus(ours, theirs), differences.onlyOurs);
  const { namespaces, capabilities, keys, obsolete } = differences;
  assertWithin(minus(theirs, ours), [...namespaces, ...capabilities, ...keys, ...obsolete]);
  // Both allow these, ours only with some arguments: no new namespaces, no AF_ALG and AF_VSOCK.
  const looser = minus(allowedOutright(debian).intersection(ours), allowedOutright(defaultSeccompProfile));
  assertWithin(looser, ["clone", "socket"]);
});

test("with all capabilities ours allows nothing beyond Debian's but the calls that are newer", {
  skip: debianProfile === undefined ? "Debian's profile is not here: run scripts/setup --tests" : undefined,
}, () => {
  const document: unknown = JSON.parse(Deno.readTextFileSync(debianProfile ?? ""));
  const everything = { ...target, capabilities: allCapabilities };
  const newer = words("lsm_get_self_attr lsm_list_modules lsm_set_self_attr quotactl_fd set_mempolicy_home_node");
  assertWithin(
    minus(
      allowed(defaultSeccompProfile, everything),
      allowed(parseSeccompProfile(document, "seccomp.json"), everything),
    ),
    [...differences.onlyOurs, ...newer],
  );
});

test("no call is listed twice, and none of the dangerous ones is ordinary", () => {
  assert.equal(new Set(ordinaryCalls).size, ordinaryCalls.length);
  const dangerous = words(`
    io_uring_setup io_uring_enter io_uring_register userfaultfd keyctl add_key request_key kexec_load kexec_file_load
    mount umount umount2 unshare setns pivot_root swapon swapoff bpf perf_event_open ptrace init_module delete_module
    reboot settimeofday clock_settime iopl ioperm nfsservctl socket clone clone3 personality open_by_handle_at
  `);
  for (const name of dangerous) assert.ok(!ordinaryCalls.includes(name), name);
});

test("a capability opens its calls and no others", () => {
  for (const [capability, names] of Object.entries(callsByCapability)) {
    const without = { ...target, host: { ...target.host, kernel: "4.4.0" }, capabilities: [] };
    const base = allowedOutright(defaultSeccompProfile, without);
    const opened = allowedOutright(defaultSeccompProfile, { ...without, capabilities: [capability] });
    assert.deepEqual(minus(opened, base), [...names].sort(), capability);
    assert.ok(allCapabilities.includes(capability), capability);
  }
});

test("without CAP_SYS_ADMIN clone makes no namespaces and clone3 does not exist", () => {
  const rules = resolveSeccomp(defaultSeccompProfile, target).syscalls ?? [];
  const clone = rules.filter((rule) => rule.names.includes("clone"));
  assert.deepEqual(clone, [{
    names: ["clone"],
    action: "SCMP_ACT_ALLOW",
    args: [{ index: 0, value: 2114060288, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }],
  }]);
  assert.deepEqual(rules.filter((rule) => rule.names.includes("clone3")), [
    { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: 38 },
  ]);
  const admin = resolveSeccomp(defaultSeccompProfile, { ...target, capabilities: ["CAP_SYS_ADMIN"] }).syscalls ?? [];
  assert.ok(admin.filter((rule) => rule.names.includes("clone")).every((rule) => rule.args === undefined));
  assert.ok(admin.filter((rule) => rule.names.includes("clone3")).every((rule) => rule.action === "SCMP_ACT_ALLOW"));
});

test("sockets of every family but 38 (ALG) and 40 (VSOCK), and five persons, are allowed", () => {
  const rules = resolveSeccomp(defaultSeccompProfile, target).syscalls ?? [];
  const argumentsOf = (name: string): readonly unknown[] =>
    rules.filter((rule) => rule.names.includes(name)).map((rule) => rule.args);
  assert.deepEqual(argumentsOf("socket"), [
    [{ index: 0, value: 38, op: "SCMP_CMP_LT" }],
    [{ index: 0, value: 39, op: "SCMP_CMP_EQ" }],
    [{ index: 0, value: 40, op: "SCMP_CMP_GT" }],
  ]);
  assert.deepEqual(
    argumentsOf("personality"),
    [0, 8, 0x20000, 0x20008, 0xffffffff].map((value) => [{ index: 0, value, op: "SCMP_CMP_EQ" }]),
  );
});

test("ptrace is for kernels from 4.8 on, or with its capability", () => {
  const at = (kernel: string, capabilities: readonly string[] = []): boolean =>
    allowed(defaultSeccompProfile, { host: { architecture: "x86_64", kernel }, capabilities }).has("ptrace");
  for (const kernel of ["4.8.0", "4.8-rc5", "4.19.0-arm", "5.0", "6.18.44-fc", "10.1"]) {
    assert.equal(at(kernel), true, kernel);
  }
  for (const kernel of ["4.7.9", "3.16", "4.4.0-99-generic", "junk", ""]) assert.equal(at(kernel), false, kernel);
  assert.equal(at("4.4.0", ["CAP_SYS_PTRACE"]), true);
});

test("each architecture has its sub-architectures and its own calls", () => {
  const on = (architecture: "x86_64" | "aarch64"): SeccompTarget => ({
    ...target,
    host: { ...target.host, architecture },
  });
  const x86 = resolveSeccomp(defaultSeccompProfile, on("x86_64"));
  const arm = resolveSeccomp(defaultSeccompProfile, on("aarch64"));
  assert.deepEqual(x86.architectures, ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]);
  assert.deepEqual(arm.architectures, ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]);
  assert.equal(x86.defaultErrnoRet, 1);
  assert.deepEqual(minus(allowed(defaultSeccompProfile, on("x86_64")), allowed(defaultSeccompProfile, on("aarch64"))), [
    "arch_prctl",
    "modify_ldt",
  ]);
  assert.ok(allowed(defaultSeccompProfile, on("aarch64")).has("cacheflush"));
});

test("a kernel without seccomp runs the default unfiltered with a warning, and refuses a chosen profile", () => {
  const { spec, warnings } = buildSpec(specInput({ host: { seccomp: false } }));
  assert.equal(spec.linux?.seccomp, undefined);
  assert.match(warnings.join(), /system calls are not filtered/);
  const options = { securityOpt: ["seccomp=/p.json"] };
  assert.throws(
    () =>
      buildSpec(specInput({ host: { seccomp: false }, options, resolved: { seccompProfile: defaultSeccompProfile } })),
    gantryError("failed_precondition", /seccomp=\/p.json/),
  );
  assert.deepEqual(buildSpec(specInput({ host: { seccomp: false }, options: { privileged: true } })).warnings, []);
});

test("a privileged container is filtered only by a profile that was chosen", () => {
  const privileged = { privileged: true };
  assert.equal(buildSpec(specInput({ options: privileged })).spec.linux?.seccomp, undefined);
  const chosen = { ...privileged, securityOpt: ["seccomp=/p.json"] };
  const { spec } = buildSpec(specInput({ options: chosen, resolved: { seccompProfile: defaultSeccompProfile } }));
  assert.equal(isRecord(spec.linux?.seccomp), true);
});

test("an AppArmor profile is set where AppArmor is on, and asking for one where it is off is an error", () => {
  const options = { securityOpt: ["apparmor=strict"] };
  assert.equal(buildSpec(specInput({ options })).spec.process?.apparmorProfile, "strict");
  assert.throws(
    () => buildSpec(specInput({ options, host: { apparmor: false } })),
    gantryError("failed_precondition", /apparmor=strict: AppArmor is not enabled/),
  );
  const unconfined = { securityOpt: ["apparmor=unconfined"] };
  assert.equal(
    buildSpec(specInput({ options: unconfined, host: { apparmor: false } })).spec.process?.apparmorProfile,
    undefined,
  );
  assert.equal(buildSpec(specInput()).spec.process?.apparmorProfile, undefined);
});
