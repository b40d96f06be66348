import assert from "node:assert/strict";
import fc from "fast-check";
import { GantryError } from "../../../lib/base/errors.ts";
import type { ContainerSummary } from "../../../lib/engine/engine.ts";
import { filterFacts, isSameImage } from "../../../lib/engine/filter_matching.ts";
import {
  filterContainers,
  type FilterSubject,
  includesEnded,
  needsFacts,
  parseFilters,
} from "../../../lib/engine/filters.ts";
import { builtSpec, storedContainer } from "./inspect_fixtures.ts";
import { gantryError } from "./spec_fixtures.ts";
import { test } from "../../support/test.ts";

function subject(id: string, given: Partial<ContainerSummary> = {}, facts?: FilterSubject["facts"]): FilterSubject {
  const container: ContainerSummary = {
    id,
    name: "",
    image: "/srv/rootfs",
    command: ["sh"],
    createdAt: 0,
    labels: {},
    status: "running",
    pid: 1,
    ...given,
  };
  return { container, facts };
}

const exit = (code: number) => ({ code, exitedAt: 1, exact: true });

/** Newest first, as the engine lists them. */
const all: readonly FilterSubject[] = [
  subject("e5", { name: "new", createdAt: 50, status: "created", image: "redis:7" }),
  subject("d4", { name: "worker-2", createdAt: 40, status: "stopped", exit: exit(137), labels: { app: "worker" } }),
  subject("c3", {
    name: "worker-1",
    createdAt: 30,
    status: "stopped",
    exit: exit(0),
    labels: { app: "worker", tier: "" },
  }),
  subject("b2", {
    name: "web",
    createdAt: 20,
    status: "paused",
    labels: { app: "web" },
    image: "docker.io/library/alpine:latest",
  }),
  subject("a1b2c3", { name: "db", createdAt: 10, status: "running", labels: { app: "db", tier: "data" } }),
  subject("0ff", { createdAt: 5, status: "unknown" }),
];

/** Ids of what passes, in order. */
function ids(...filters: readonly string[]): string {
  return filterContainers(all, parseFilters(filters)).map(({ container }) => container.id).join(" ");
}

test("no filter lets everything pass, in its order", () => {
  assert.equal(ids(), "e5 d4 c3 b2 a1b2c3 0ff");
});

test("names and ids match by a part or by a regular expression, as in docker", () => {
  assert.equal(ids("name=worker"), "d4 c3");
  assert.equal(ids("name=^web$"), "b2");
  assert.equal(ids("name=^/web$"), "b2");
  assert.equal(ids("name=^work"), "d4 c3");
  assert.equal(ids("name=worker-[2-9]"), "d4");
  assert.equal(ids("name=(?i)WEB"), "b2");
  assert.equal(ids("name=worker\\-1"), "c3", "Go lets any sign be escaped");
  assert.equal(ids("id=a1"), "a1b2c3");
  assert.equal(ids("id=b2"), "b2 a1b2c3");
  assert.equal(ids("id=^b2"), "b2");
});

test("values of one key are alternatives, keys must all match", () => {
  assert.equal(ids("name=web", "name=db"), "b2 a1b2c3");
  assert.equal(ids("name=web", "name=worker", "status=exited"), "d4 c3");
  assert.equal(ids("name=web", "status=running"), "");
});

test("labels must all be there, with their values when they are given", () => {
  assert.equal(ids("label=app"), "d4 c3 b2 a1b2c3");
  assert.equal(ids("label=app=worker"), "d4 c3");
  assert.equal(ids("label=app=worker", "label=tier"), "c3");
  assert.equal(ids("label=app=worker", "label=app=web"), "", "no container has both");
  assert.equal(ids("label=tier="), "c3");
  assert.equal(ids("label=toString"), "");
});

test("statuses are docker's words", () => {
  assert.equal(ids("status=created"), "e5");
  assert.equal(ids("status=exited"), "d4 c3");
  assert.equal(ids("status=PAUSED"), "b2");
  assert.equal(ids("status=running"), "a1b2c3");
  assert.equal(ids("status=unknown"), "0ff");
  assert.equal(ids("status=dead"), "");
  assert.equal(ids("status=running", "status=paused"), "b2 a1b2c3");
});

test("exit codes are those of containers that have ended", () => {
  assert.equal(ids("exited=137"), "d4");
  assert.equal(ids("exited=0", "exited=137"), "d4 c3");
  assert.equal(ids("exited=1"), "");
});

test("an ancestor is the image or directory, however it is written", () => {
  assert.equal(ids("ancestor=alpine"), "b2");
  assert.equal(ids("ancestor=/srv/rootfs/"), "d4 c3 a1b2c3 0ff");
  assert.equal(ids("ancestor=redis"), "");
  assert.equal(ids("ancestor=redis:7"), "e5");
});

test("references of one image are the same, of others not", () => {
  const same = [
    ["alpine", "docker.io/library/alpine:latest"],
    ["user/x:1", "docker.io/user/x:1"],
    ["localhost/x", "localhost/x:latest"],
    ["host:5000/x", "host:5000/x:latest"],
    ["x@sha256:ab", "docker.io/library/x@sha256:ab"],
    ["/srv/rootfs:O", "/srv/rootfs"],
    ["/", "/"],
  ] as const;
  for (const [image, other] of same) assert.ok(isSameImage(image, other), `${image} ${other}`);
  const others = [["alpine:3", "alpine"], ["", ""], ["user/x", "x"], ["/srv", "srv"]] as const;
  for (const [image, other] of others) assert.ok(!isSameImage(image, other), `${image} ${other}`);
});

test("before and since compare with a container by its name, id or start of it", () => {
  assert.equal(ids("before=web"), "a1b2c3 0ff");
  assert.equal(ids("since=web"), "e5 d4 c3");
  assert.equal(ids("since=a1b", "before=d4"), "c3 b2");
  assert.equal(ids("before=/web", "status=running"), "a1b2c3");
  assert.throws(() => ids("before=nobody"), gantryError("not_found", /"nobody"/, /ps -a/));
  assert.throws(() => ids("since="), gantryError("not_found", /""/));
  assert.throws(() => ids("since=/"), gantryError("not_found", /"\/"/), "it is not the one without a name");
  const twins = [subject("aa1"), subject("aa2")];
  assert.throws(
    () => filterContainers(twins, parseFilters(["since=aa"])),
    gantryError("invalid_argument", /2 containers/, /aa1/),
  );
});

test("volumes and networks are those of the stored spec", () => {
  const facts = (given: Parameters<typeof builtSpec>[0]) => filterFacts(storedContainer(builtSpec(given)));
  const mounts = [{ type: "bind", source: "/srv/data", target: "/data", options: [] }] as const;
  const subjects = [
    subject("a", {}, facts({ options: { mounts } })),
    subject("b", {}, facts({ options: { network: "host" }, resolved: { hostFiles: ["/etc/hosts"] } })),
  ];
  const found = (filter: string) =>
    filterContainers(subjects, parseFilters([filter])).map(({ container }) => container.id).join(" ");
  assert.equal(found("volume=/data"), "a");
  assert.equal(found("volume=/srv/data"), "a");
  assert.equal(found("volume=/etc/hosts"), "");
  assert.equal(found("network=host"), "b");
  assert.equal(found("network=none"), "a");
  assert.throws(() => filterContainers(all, parseFilters(["volume=/data"])), TypeError);
});

test("what a list must know and show is told by its filters", () => {
  const told = (...filters: readonly string[]) => {
    const parsed = parseFilters(filters);
    return [includesEnded(parsed), needsFacts(parsed)];
  };
  assert.deepEqual(told("name=x", "label=y"), [false, false]);
  assert.deepEqual(told("status=exited"), [true, false]);
  assert.deepEqual(told("exited=0", "volume=/x"), [true, true]);
  assert.deepEqual(told("network=none"), [false, true]);
});

test("T16 a wrong filter is refused with the nearest right one, also when there are no containers", () => {
  const refused = (filter: string, message: RegExp, hint?: RegExp): void =>
    assert.throws(() => parseFilters([filter]), gantryError("invalid_argument", message, hint));
  refused("nmae=x", /"nmae"/, /"name"/);
  refused("xyzzy=x", /"xyzzy"/, /ancestor, before, exited/);
  refused("constructor=x", /"constructor"/);
  refused("running", /"running" has no value/, /KEY=VALUE/);
  refused("status=exitd", /exitd/, /"exited"/);
  refused("status=", /no such status/, /created, restarting/);
  refused("exited=one", /"one" is not an exit code/);
  refused("exited=-1", /"-1"/);
  refused("name=(", /not a regular expression/);
  refused("id=*a", /not a regular expression/);
});

test("keys may be written in any case and with blanks around them", () => {
  assert.equal(ids(" Name = web "), "b2");
});

test("X01 any text is a filter or an error that says what is wrong", () => {
  const key = fc.constantFrom("name", "id", "label", "status", "exited", "ancestor", "before", "since");
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.tuple(key, fc.string()).map((pair) => pair.join("="))), (text) => {
      try {
        filterContainers(all, parseFilters([text]));
      } catch (error) {
        assert.ok(error instanceof GantryError, String(error));
        assert.notEqual(error.hint, undefined);
      }
    }),
    { numRuns: 1000 },
  );
});

test("what passes is always a part of the list, in its order", () => {
  const filter = fc.constantFrom("name=w", "label=app", "status=exited", "before=web", "exited=0", "id=[0-9]");
  fc.assert(fc.property(fc.array(filter, { maxLength: 4 }), (filters) => {
    const passed = filterContainers(all, parseFilters(filters));
    assert.deepEqual(passed, all.filter((each) => passed.includes(each)));
  }));
});
