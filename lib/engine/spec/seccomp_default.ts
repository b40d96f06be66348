import type { SeccompArgument } from "../../wire/oci.ts";
import { callsByArchitecture, callsByCapability, ordinaryCalls, tracingCalls } from "./seccomp_calls.ts";
import type { ConditionalRule, SeccompProfile } from "./seccomp_profile.ts";

const allow = "SCMP_ACT_ALLOW";
const refuse = "SCMP_ACT_ERRNO";
const EPERM = 1;
const ENOSYS = 38;

const AF_ALG = 38;
const AF_VSOCK = 40;

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET. */
const namespaceFlags = 0x7e020000;

/** PER_LINUX, PER_LINUX32, both with UNAME26, and "tell me which". */
const personalities: readonly number[] = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];

/**
 * docker's default profile: what is not allowed fails with EPERM. What depends on capabilities, kernel and architecture is
 * still a condition here; `resolveSeccomp` decides it for one container.
 */
export const defaultSeccompProfile: SeccompProfile = {
  defaultAction: refuse,
  defaultErrnoRet: EPERM,
  architectures: [],
  archMap: [
    { architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86", "SCMP_ARCH_X32"] },
    { architecture: "SCMP_ARCH_AARCH64", subArchitectures: ["SCMP_ARCH_ARM"] },
  ],
  syscalls: [
    rule(ordinaryCalls),
    { ...rule(tracingCalls), includes: { minKernel: [4, 8] } },
    ...socketRules(),
    ...personalities.map((value) => rule(["personality"], argument(0, value, "SCMP_CMP_EQ"))),
    ...cloneRules(),
    ...Object.entries(callsByCapability).map(([capability, names]) => ({
      ...rule(names),
      includes: { caps: [capability] },
    })),
    ...Object.entries(callsByArchitecture).map(([word, names]) => ({ ...rule(names), includes: { arches: [word] } })),
  ],
};

/**
 * Every address family but AF_ALG and AF_VSOCK: the kernel's cryptography has no use in a container and a history of
 * holes, and vsock reaches the hypervisor past every network namespace. A runtime takes several conditions on one
 * argument for alternatives (runc#2735), so the gaps are cut out by rules that allow what is around them.
 */
function socketRules(): readonly ConditionalRule[] {
  return [
    rule(["socket"], argument(0, AF_ALG, "SCMP_CMP_LT")),
    rule(["socket"], argument(0, AF_ALG + 1, "SCMP_CMP_EQ")),
    rule(["socket"], argument(0, AF_VSOCK, "SCMP_CMP_GT")),
  ];
}

/**
 * Without CAP_SYS_ADMIN a clone may not make namespaces. clone3 keeps its flags behind a pointer, where no filter sees
 * them, so it answers ENOSYS, at which libc falls back to clone.
 */
function cloneRules(): readonly ConditionalRule[] {
  const excludes = { caps: ["CAP_SYS_ADMIN"] };
  return [
    // The first argument holds the flags on both architectures gantry knows.
    { ...rule(["clone"], { index: 0, value: namespaceFlags, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }), excludes },
    { names: ["clone3"], action: refuse, errnoRet: ENOSYS, args: [], excludes },
  ];
}

function rule(names: readonly string[], ...args: readonly SeccompArgument[]): ConditionalRule {
  return { names, action: allow, args };
}

function argument(index: number, value: number, op: string): SeccompArgument {
  return { index, value, op };
}
