import assert from "node:assert/strict";
import fc from "fast-check";
import { GantryError } from "../../../lib/base/errors.ts";
import { readFileInRoot, resolveInRoot } from "../../../lib/engine/spec/rootfs_files.ts";
import { resolveGroups, resolveUser } from "../../../lib/engine/spec/users.ts";
import { test } from "../../support/test.ts";
import { gantryError } from "./spec_fixtures.ts";

const passwd = `root:x:0:0:root:/root:/bin/sh
# a comment:x:9:9::/:

app:x:1000:1000:App:/home/app:/bin/sh
garbage
bad:x:notanumber:1::/:
huge:x:99999999999:1::/:
homeless:x:1001:50:::
second:x:1000:7::/second:
1234:x:55:56::/numeric:
`;
const group = `root:x:0:
staff:x:50:root,app
audio:x:63:app,other
staff:x:51:app
short
`;

/** Makes a root filesystem with the given files below it (undefined: none) and removes it at the end. */
async function withRoot(
  files: Readonly<Record<string, string>>,
  body: (root: string) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${root}/etc`);
    for (const [path, content] of Object.entries(files)) await Deno.writeTextFile(`${root}/${path}`, content);
    await body(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const both = { "etc/passwd": passwd, "etc/group": group };

test("users and groups are looked up by docker's rules", async () => {
  await withRoot(both, async (root) => {
    const cases: Readonly<Record<string, unknown>> = {
      "": { uid: 0, gid: 0, groups: [0, 50], home: "/root" },
      "root": { uid: 0, gid: 0, groups: [0, 50], home: "/root" },
      "app": { uid: 1000, gid: 1000, groups: [1000, 50, 63, 51], home: "/home/app" },
      "1000": { uid: 1000, gid: 1000, groups: [1000, 50, 63, 51], home: "/home/app" },
      "app:staff": { uid: 1000, gid: 50, groups: [50], home: "/home/app" },
      "app:77": { uid: 1000, gid: 77, groups: [77], home: "/home/app" },
      "4711": { uid: 4711, gid: 0, groups: [0], home: "/" },
      "4711:4712": { uid: 4711, gid: 4712, groups: [4712], home: "/" },
      "app:": { uid: 1000, gid: 1000, groups: [1000, 50, 63, 51], home: "/home/app" },
      ":staff": { uid: 0, gid: 50, groups: [50], home: "/root" },
      "homeless": { uid: 1001, gid: 50, groups: [50], home: "/" },
      "2147483647": { uid: 2147483647, gid: 0, groups: [0], home: "/" },
    };
    for (const [user, expected] of Object.entries(cases)) {
      assert.deepEqual(await resolveUser(root, user), expected, user);
    }
  });
});

test("further groups are looked up by name, and numbers need no file", async () => {
  await withRoot(both, async (root) => {
    assert.deepEqual(await resolveGroups(root, []), []);
    assert.deepEqual(await resolveGroups(root, ["audio", "77", "staff"]), [63, 77, 50]);
    await assert.rejects(resolveGroups(root, ["aduio"]), gantryError("not_found", /find group aduio/, /audio/));
    await assert.rejects(resolveGroups(root, [""]), gantryError("invalid_argument", /--group-add is empty/));
    await assert.rejects(resolveGroups(root, ["2147483648"]), gantryError("invalid_argument", /out of range/));
  });
  assert.deepEqual(await resolveGroups("/no/such", ["5"]), [5]);
});

test("a name that is in no line is told as docker does, with the nearest one", async () => {
  await withRoot(both, async (root) => {
    await assert.rejects(
      resolveUser(root, "ap"),
      gantryError("not_found", /^unable to find user ap: no matching entries in passwd file$/, /"app"/),
    );
    await assert.rejects(
      resolveUser(root, "app:nope"),
      gantryError("not_found", /^unable to find group nope: no matching entries in group file$/, /etc\/group/),
    );
    for (const user of ["bad", "huge", "garbage", "short"]) {
      await assert.rejects(resolveUser(root, user), gantryError("not_found", /unable to find user/), user);
    }
    for (const user of ["2147483648", "-1", "0:4294967296", "99999999999999999999"]) {
      await assert.rejects(
        resolveUser(root, user),
        gantryError("invalid_argument", /out of range/, /0-2147483647/),
        user,
      );
    }
  });
});

test("numbers need no files, and a name without them is not found", async () => {
  await withRoot({}, async (root) => {
    assert.deepEqual(await resolveUser(root, ""), { uid: 0, gid: 0, groups: [0], home: "/" });
    assert.deepEqual(await resolveUser(root, "5:6"), { uid: 5, gid: 6, groups: [6], home: "/" });
    await assert.rejects(resolveUser(root, "root"), gantryError("not_found", /unable to find user root/));
    await assert.rejects(resolveUser(root, "5:staff"), gantryError("not_found", /unable to find group staff/));
  });
});

test("a link in an image never leads to the host's files", async () => {
  const secret = await Deno.makeTempDir();
  await Deno.mkdir(`${secret}/etc`);
  await Deno.writeTextFile(`${secret}/etc/passwd`, "host:x:4242:4242::/host:\n");
  try {
    const ways: readonly (readonly [string, (root: string) => Promise<void>])[] = [
      ["absolute", (root) => Deno.symlink(`${secret}/etc/passwd`, `${root}/etc/passwd`)],
      ["relative", (root) => Deno.symlink(`../../../../../../../..${secret}/etc/passwd`, `${root}/etc/passwd`)],
      ["directory", async (root) => {
        await Deno.remove(`${root}/etc`);
        await Deno.symlink(`${secret}/etc`, `${root}/etc`);
      }],
      ["chain", async (root) => {
        await Deno.symlink("/etc/b", `${root}/etc/passwd`);
        await Deno.symlink("..", `${root}/etc/up`);
        await Deno.symlink(`up/up/up/up/up${secret}/etc/passwd`, `${root}/etc/b`);
      }],
    ];
    for (const [name, make] of ways) {
      await withRoot({}, async (root) => {
        await make(root);
        await assert.rejects(resolveUser(root, "host"), gantryError("not_found", /unable to find user host/), name);
      });
    }
  } finally {
    await Deno.remove(secret, { recursive: true });
  }
});

test("links inside an image are followed, absolute ones from its own root", async () => {
  await withRoot({ "etc/real": passwd }, async (root) => {
    await Deno.symlink("/etc/real", `${root}/etc/passwd`);
    assert.equal((await resolveUser(root, "app")).uid, 1000);
    assert.equal(await resolveInRoot(root, "etc/passwd"), `${root}/etc/real`);
    assert.equal(await resolveInRoot(root, "/../../etc/./passwd"), `${root}/etc/real`);
    assert.equal(await resolveInRoot(root, "no/such/../file"), `${root}/no/file`);
  });
});

test("a ring of links ends", async () => {
  await withRoot({}, async (root) => {
    await Deno.symlink("b", `${root}/etc/passwd`);
    await Deno.symlink("passwd", `${root}/etc/b`);
    await assert.rejects(resolveUser(root, "app"), gantryError("failed_precondition", /more than 40 links/));
    // Nobody asked for what is in it.
    assert.equal((await resolveUser(root, "7")).uid, 7);
  });
});

test("what is no regular file is not opened: a FIFO would hang", async () => {
  await withRoot({}, async (root) => {
    const { success } = await new Deno.Command("mkfifo", { args: [`${root}/etc/passwd`] }).output();
    assert.ok(success);
    await assert.rejects(resolveUser(root, "app"), gantryError("failed_precondition", /is not a regular file/));
    assert.deepEqual(await resolveUser(root, ""), { uid: 0, gid: 0, groups: [0], home: "/" });
  });
});

test("a file that is too large is not read into memory", async () => {
  await withRoot({ "etc/passwd": "x".repeat(2000) }, async (root) => {
    await assert.rejects(
      readFileInRoot(root, "etc/passwd", { maxBytes: 1000 }),
      gantryError("resource_exhausted", /larger than 1000 bytes/),
    );
  });
});

test("X01 garbled files give a user or an error, never junk in the environment", async () => {
  await withRoot({}, async (root) => {
    const line = fc.array(fc.oneof(fc.string({ unit: "binary" }), fc.nat().map(String), fc.constant("app"))).map((
      parts,
    ) => parts.join(":"));
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.array(line), async (users, groups) => {
        await Deno.writeTextFile(`${root}/etc/passwd`, users.join("\n"));
        await Deno.writeTextFile(`${root}/etc/group`, groups.join("\n"));
        try {
          const user = await resolveUser(root, "app");
          for (const id of [user.uid, user.gid, ...user.groups]) {
            assert.ok(Number.isSafeInteger(id) && id >= 0 && id < 2 ** 31);
          }
          assert.doesNotMatch(user.home, /[\0\n]/);
        } catch (error) {
          assert.ok(error instanceof GantryError, String(error));
        }
      }),
      { numRuns: 50 },
    );
  });
});
