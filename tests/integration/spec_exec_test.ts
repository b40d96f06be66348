/** Processes that join a running container, seen from inside. */
import assert from "node:assert/strict";
import { buildExecProcess, type ExecOptions } from "../../lib/engine/spec/exec_process.ts";
import { readHostFacts } from "../../lib/engine/spec/host_facts.ts";
import { parseUlimit } from "../../lib/engine/spec/ulimits.ts";
import { resolveUser } from "../../lib/engine/spec/users.ts";
import { capabilitiesOfMask } from "../../lib/wire/capabilities.ts";
import type { RuncOutput, RunningContainer } from "../support/runc_bundle.ts";
import { field, ok, sh, specTest } from "../support/spec_container.ts";

const host = readHostFacts();
const status = "cat /proc/self/status";

/** Runs a script in a container as `gantry exec` would; users are looked up in what the container sees as its root. */
async function exec(
  container: RunningContainer,
  script: string,
  given: Partial<ExecOptions> = {},
): Promise<RuncOutput> {
  const options = { command: sh(script), env: [], tty: false, ...given };
  const resolvedUser = options.user === undefined
    ? undefined
    : await resolveUser(`/proc/${container.pid}/root`, options.user);
  const spec: unknown = structuredClone(container.spec);
  return await container.exec(buildExecProcess({ spec, options, resolvedUser, host }).process);
}

specTest("T07 an exec is like the first process but for what was asked for", async (runner) => {
  await using container = await runner.start(runner.options({
    command: ["sleep", "600"],
    env: ["A=container", "B=container"],
    cwd: "/tmp",
    hostname: "web",
    ulimits: [parseUlimit("nofile=99:100")],
    oomScoreAdj: 400,
    capDrop: ["CHOWN"],
    securityOpt: ["no-new-privileges"],
  }));
  const script = `pwd; hostname; echo $A $B $HOME; ulimit -n; cat /proc/self/oom_score_adj; ${status}; exit 9`;
  const plain = await exec(container, script);
  assert.equal(plain.code, 9, plain.stderr);
  assert.deepEqual(plain.stdout.split("\n").slice(0, 5), ["/tmp", "web", "container container /root", "99", "400"]);
  assert.equal(field(plain.stdout, "Seccomp"), "2");
  assert.equal(field(plain.stdout, "NoNewPrivs"), "1");
  assert.ok(!capabilitiesOfMask(field(plain.stdout, "CapBnd")).includes("CAP_CHOWN"));

  const other = ok(await exec(container, `pwd; echo $A $B; ${status}`, { cwd: "/etc", env: ["A=exec"] }));
  assert.deepEqual(other.split("\n").slice(0, 2), ["/etc", "exec container"]);
});

specTest("T07 an exec's user is looked up in the container, with its groups, home and capabilities", async (runner) => {
  await using container = await runner.start(runner.options({ command: ["sleep", "600"], user: "nobody" }));
  const as = async (user?: string): Promise<string> => {
    const script = `id -u; id -g; grep Groups /proc/self/status; echo $HOME; grep CapEff /proc/self/status`;
    return ok(await exec(container, script, { user })).trim().replaceAll(/\s+/g, " ");
  };
  assert.equal(await as(), "65534 65534 Groups: 50 65534 / CapEff: 0000000000000000");
  assert.match(await as("root"), /^0 0 Groups: 0 \/root CapEff: 0*[1-9a-f]/);
  assert.equal(await as("12:50"), "12 50 Groups: 50 / CapEff: 0000000000000000");
});

specTest("T07 a privileged exec has every capability, and the container's filter", async (runner) => {
  await using container = await runner.start(runner.options({ command: ["sleep", "600"] }));
  const text = ok(await exec(container, status, { privileged: true }));
  assert.deepEqual(capabilitiesOfMask(field(text, "CapEff")), host.capabilities);
  assert.equal(field(text, "Seccomp"), "2");
  const missing = await exec(container, "", { command: ["/no/such"] });
  assert.match(missing.stderr, /no such file or directory/);
});
