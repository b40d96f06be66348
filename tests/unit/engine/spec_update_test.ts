import assert from "node:assert/strict";
import fc from "fast-check";
import { GantryError } from "../../../lib/base/errors.ts";
import { applyResources, buildUpdateResources, type UpdateOptions } from "../../../lib/engine/spec/update_resources.ts";
import { buildSpec } from "../../../lib/engine/spec/build.ts";
import type { Spec } from "../../../lib/wire/oci.ts";
import type { Memory, Resources } from "../../../lib/wire/oci_resources.ts";
import { test } from "../../support/test.ts";
import { bareCgroup, fullHost, gantryError, specInput } from "./spec_fixtures.ts";

const mib = 2 ** 20;
const noSwap = { ...fullHost, cgroup: { ...fullHost.cgroup, swap: false } };

function specWith(resources: Resources): Spec {
  return { ociVersion: "1.0.2", linux: { resources } };
}

function update(options: UpdateOptions, memory?: Memory, host = fullHost): Resources {
  return buildUpdateResources(options, { spec: specWith({ memory }), host }).resources;
}

test("T10 only what was given is told the runtime", () => {
  assert.deepEqual(update({ cpus: 1.5 }), { cpu: { quota: 150000, period: 100000 } });
  assert.deepEqual(update({ cpuShares: 2 }), { cpu: { shares: 2 } });
  assert.deepEqual(update({ cpusetCpus: "1", cpusetMems: "0" }), { cpu: { cpus: "1", mems: "0" } });
  assert.deepEqual(update({ pidsLimit: 5 }), { pids: { limit: 5 } });
  assert.deepEqual(update({ blkioWeight: 20 }), { blockIO: { weight: 20 } });
  assert.deepEqual(update({ memoryReservation: 8 * mib }, { limit: 64 * mib }), {
    memory: { reservation: 8 * mib },
  });
});

test("T10 a limit is taken away by -1, or by 0 CPUs", () => {
  assert.deepEqual(update({ pidsLimit: -1 }), { pids: { limit: -1 } });
  assert.deepEqual(update({ pidsLimit: 0 }), { pids: { limit: -1 } });
  assert.deepEqual(update({ cpus: 0, cpuShares: 5 }), { cpu: { shares: 5, quota: -1, period: 100000 } });
  const limited = { limit: 64 * mib, swap: 128 * mib };
  assert.deepEqual(update({ memory: -1 }, limited), { memory: { limit: -1, swap: -1 } });
  assert.deepEqual(update({ memory: -1, memorySwap: -1 }, limited), { memory: { limit: -1, swap: -1 } });
  assert.deepEqual(update({ memory: -1 }, { limit: 64 * mib }, noSwap), { memory: { limit: -1 } });
  assert.deepEqual(update({ memorySwap: -1 }, limited), { memory: { limit: 64 * mib, swap: -1 } });
});

test("T10 memory and swap go together, and the sum stays as it was unless a new one is given", () => {
  const limited = { limit: 64 * mib, swap: 128 * mib };
  const cases: readonly (readonly [UpdateOptions, Memory | undefined, Memory])[] = [
    [{ memory: 96 * mib }, limited, { limit: 96 * mib, swap: 128 * mib }],
    [{ memory: 128 * mib }, limited, { limit: 128 * mib, swap: 128 * mib }],
    [{ memory: 96 * mib, memorySwap: 0 }, limited, { limit: 96 * mib, swap: 128 * mib }],
    [{ memory: 256 * mib, memorySwap: 300 * mib }, limited, { limit: 256 * mib, swap: 300 * mib }],
    [{ memory: 256 * mib, memorySwap: -1 }, limited, { limit: 256 * mib, swap: -1 }],
    [{ memorySwap: 80 * mib }, limited, { limit: 64 * mib, swap: 80 * mib }],
    [{ memory: 256 * mib }, { limit: 64 * mib, swap: -1 }, { limit: 256 * mib, swap: -1 }],
    // Without a limit before, it gets what a new container does.
    [{ memory: 64 * mib }, undefined, limited],
    [{ memory: 64 * mib }, { limit: -1, swap: -1 }, limited],
    [{ memory: 64 * mib, memoryReservation: 32 * mib }, undefined, { ...limited, reservation: 32 * mib }],
    // Of a spec file that says nothing about swap.
    [{ memory: 256 * mib }, { limit: 64 * mib }, { limit: 256 * mib }],
  ];
  for (const [options, current, memory] of cases) {
    assert.deepEqual(update(options, current), { memory }, JSON.stringify([options, current]));
  }
});

test("T10 what contradicts itself or the limits that are set is refused", () => {
  const limited = { limit: 64 * mib, swap: 128 * mib, reservation: 32 * mib };
  const refused: readonly (readonly [UpdateOptions, Memory | undefined, RegExp])[] = [
    [{}, limited, /nothing to update/],
    [{ memory: undefined }, limited, /nothing to update/],
    [{ memory: 129 * mib }, limited, /--memory 129MiB is more than the 128MiB of memory and swap that are set/],
    [{ memorySwap: 63 * mib }, limited, /--memory-swap 63MiB is less than --memory 64MiB/],
    [{ memory: 256 * mib, memorySwap: 255 * mib }, limited, /is less than --memory 256MiB/],
    [{ memorySwap: 64 * mib }, undefined, /--memory-swap 64MiB needs a limit of memory/],
    [{ memory: -1, memorySwap: 64 * mib }, limited, /needs a limit of memory/],
    [{ memory: 16 * mib }, limited, /--memory 16MiB is less than --memory-reservation 32MiB/],
    [{ memoryReservation: 65 * mib }, limited, /--memory 64MiB is less than --memory-reservation 65MiB/],
    [{ memory: mib }, limited, /--memory 1MiB is too little/],
    [{ memory: -2 }, limited, /--memory -2 is too little/],
    [{ memory: 0 }, limited, /--memory 0B is too little/],
    [{ memoryReservation: 0 }, limited, /--memory-reservation 0B is too little/],
    [{ cpus: 5 }, limited, /--cpus 5 is out of range/],
    [{ cpus: -1 }, limited, /--cpus -1/],
    [{ blkioWeight: 0 }, limited, /--blkio-weight 0 is out of range/],
    [{ cpusetCpus: "9" }, limited, /no CPU 9/],
  ];
  for (const [options, current, message] of refused) {
    assert.throws(() => update(options, current), gantryError("invalid_argument", message), JSON.stringify(options));
  }
});

test("T10 what this host cannot limit is an error, missing swap a warning", () => {
  const bare = { ...fullHost, cgroup: bareCgroup };
  const asked: readonly (readonly [UpdateOptions, RegExp])[] = [
    [{ memory: 64 * mib }, /--memory cannot be applied/],
    [{ memorySwap: 64 * mib }, /--memory-swap cannot be applied/],
    [{ memory: -1 }, /--memory cannot be applied/],
    [{ cpus: 1 }, /--cpus cannot be applied/],
    [{ blkioWeight: 10 }, /--blkio-weight cannot be applied/],
  ];
  for (const [options, message] of asked) {
    assert.throws(() => update(options, undefined, bare), gantryError("failed_precondition", message));
  }
  assert.throws(
    () => update({ memorySwap: 80 * mib }, { limit: 64 * mib }, noSwap),
    gantryError("failed_precondition", /--memory-swap 80MiB cannot be applied/),
  );
  const { resources, warnings } = buildUpdateResources({ memory: 64 * mib }, { spec: specWith({}), host: noSwap });
  assert.deepEqual(resources, { memory: { limit: 64 * mib } });
  assert.match(warnings.join(), /--memory limits memory without swap/);
});

test("a spec takes new limits over field by field and keeps the rest", () => {
  const { spec } = buildSpec(specInput({ options: { memory: 64 * mib, memoryReservation: 32 * mib, cpus: 1 } }));
  const changed = applyResources(spec, { memory: { limit: 96 * mib }, cpu: { shares: 5 }, pids: { limit: -1 } });
  assert.deepEqual(changed.linux?.resources, {
    devices: spec.linux?.resources?.devices,
    memory: { limit: 96 * mib, swap: 128 * mib, reservation: 32 * mib },
    cpu: { quota: 100000, period: 100000, shares: 5 },
    pids: { limit: -1 },
  });
  assert.deepEqual({ ...changed, linux: undefined }, { ...spec, linux: undefined });
  assert.deepEqual(applyResources({ ociVersion: "1.0.2" }, { pids: { limit: 3 } }), {
    ociVersion: "1.0.2",
    linux: { resources: { pids: { limit: 3 } } },
  });
});

test("X01 after any row of updates the limits that are remembered fit together", () => {
  const size = fc.option(fc.constantFrom(-1, 0, 8 * mib, 64 * mib, 96 * mib, 256 * mib), { nil: undefined });
  const options = fc.record({ memory: size, memorySwap: size, memoryReservation: size });
  fc.assert(fc.property(fc.array(options, { maxLength: 8 }), (row) => {
    let spec: Spec = { ociVersion: "1.0.2" };
    for (const given of row) {
      try {
        spec = applyResources(spec, buildUpdateResources(given, { spec, host: fullHost }).resources);
      } catch (error) {
        assert.ok(error instanceof GantryError, String(error));
      }
      const { limit = -1, swap = -1, reservation = 0 } = spec.linux?.resources?.memory ?? {};
      assert.ok(swap === -1 || limit > 0 && swap >= limit, JSON.stringify(spec));
      assert.ok(limit === -1 || reservation <= limit, JSON.stringify(spec));
    }
  }));
});
