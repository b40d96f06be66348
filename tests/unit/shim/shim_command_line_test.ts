import assert from "node:assert/strict";
import { parseShimCommandLine } from "../../../lib/shim/shim_command_line.ts";
import { test } from "../../support/test.ts";

const line = (text: string): ReturnType<typeof parseShimCommandLine> => parseShimCommandLine(text.split(" "));

test("a shim's server says whose it is, however it was started", () => {
  assert.deepEqual(line("/usr/bin/containerd-shim-runc-v2 -namespace n -id c -address /run/c.sock"), {
    namespace: "n",
    id: "c",
    address: "/run/c.sock",
  });
  assert.deepEqual(line("containerd-shim-runc-v2 -namespace n -address /b -id c -debug -socket /b/.s/1 "), {
    namespace: "n",
    id: "c",
    address: "/b",
  });
  assert.deepEqual(line("containerd-shim-runc-v2 -namespace n -id c"), { namespace: "n", id: "c", address: undefined });
});

test("what a shim's program is run for beside is no server, also when a container is called like it", () => {
  for (const action of ["start", "delete"]) {
    assert.equal(line(`containerd-shim-runc-v2 -namespace n -id c -address /a ${action}`), undefined);
    assert.equal(line(`containerd-shim-runc-v2 -namespace n -id ${action} -bundle /b ${action}`), undefined);
    assert.equal(line(`containerd-shim-runc-v2 -namespace n -address /a -id ${action}`)?.id, action);
    assert.equal(line(`containerd-shim-runc-v2 -id c -namespace ${action}`)?.namespace, action);
  }
});

test("other programs are no shims", () => {
  assert.equal(line("bash -namespace n -id c"), undefined);
  assert.equal(line("/opt/containerd-shim-runc-v2/bin/x -namespace n -id c"), undefined);
  assert.equal(line("containerd-shim-runc-v2 -v"), undefined);
  assert.equal(line("containerd-shim-runc-v2 -namespace n -id"), undefined);
  assert.equal(line(""), undefined);
});
