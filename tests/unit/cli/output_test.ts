import assert from "node:assert/strict";
import { isCode } from "../../../lib/base/errors.ts";
import { alignColumns, displayWidth } from "../../../lib/cli/columns.ts";
import { painter, wantsColor } from "../../../lib/cli/color.ts";
import { escapeControl } from "../../../lib/cli/escape.ts";
import { Output, type OutputOptions } from "../../../lib/cli/output.ts";
import { test } from "../../support/test.ts";

interface Row {
  readonly id: string;
  readonly names: readonly string[];
  readonly exitCode: number | undefined;
}

const rows: readonly Row[] = [
  { id: "0123456789ab", names: ["web"], exitCode: undefined },
  { id: "ff", names: ["db", "data"], exitCode: 137 },
];
const list = {
  columns: [
    { header: "CONTAINER ID", field: "id" as const },
    { header: "NAMES", field: "names" as const, text: (row: Row) => row.names.join(",") },
    { header: "EXIT", field: "exitCode" as const },
  ],
  fields: ["id", "names", "exitCode"] as const,
};

function printed(
  options: Partial<OutputOptions> & { readonly terminal?: boolean },
  print: (output: Output) => void,
): string {
  let text = "";
  const sink = { isTerminal: options.terminal ?? false, write: (more: string) => void (text += more) };
  print(new Output(sink, { json: false, format: undefined, color: "auto", env: {}, ...options }));
  return text;
}

test("a list is a table of aligned columns, without boxes and without spaces at the ends", () => {
  assert.equal(
    printed({}, (output) => output.list(rows, list)),
    "CONTAINER ID   NAMES     EXIT\n0123456789ab   web\nff             db,data   137\n",
  );
});

test("an empty list is its header", () => {
  assert.equal(printed({}, (output) => output.list([], list)), "CONTAINER ID   NAMES   EXIT\n");
});

test("a list in JSON is one line for each record, and nothing when it is empty", () => {
  for (const options of [{ json: true }, { format: "json" }, { json: true, format: "json" }]) {
    assert.equal(
      printed(options, (output) => output.list(rows, list)),
      '{"id":"0123456789ab","names":["web"]}\n{"id":"ff","names":["db","data"],"exitCode":137}\n',
    );
    assert.equal(printed(options, (output) => output.list([], list)), "");
  }
});

test("quiet prints one field, whatever else is asked for", () => {
  for (const options of [{}, { json: true }, { format: "{{.Names}}" }]) {
    assert.equal(printed(options, (output) => output.list(rows, { ...list, quiet: "id" })), "0123456789ab\nff\n");
  }
});

test("inspect is one array, one record is one object, a line is a line", () => {
  assert.equal(printed({}, (output) => output.inspect([{ a: 1 }])), '[\n  {\n    "a": 1\n  }\n]\n');
  assert.equal(printed({}, (output) => output.one({ a: 1 }, ({ a }) => `a is ${a}`)), "a is 1\n");
  assert.equal(printed({ json: true }, (output) => output.one({ a: 1 }, () => "")), '{"a":1}\n');
  assert.equal(printed({}, (output) => output.line("abc", "id")), "abc\n");
  assert.equal(printed({ json: true }, (output) => output.line("abc", "id")), '{"id":"abc"}\n');
});

const templates: readonly (readonly [format: string, expected: string])[] = [
  ["{{.id}}", "0123456789ab\nff\n"],
  ["{{.ID}}", "0123456789ab\nff\n"],
  ["{{ .Id }}!", "0123456789ab!\nff!\n"],
  ["{{.ExitCode}}", "\n137\n"],
  ["{{json .}}", '{"id":"0123456789ab","names":["web"]}\n{"id":"ff","names":["db","data"],"exitCode":137}\n'],
  ["{{json .Names}}", '["web"]\n["db","data"]\n'],
  ["{{.Names}}", '["web"]\n["db","data"]\n'],
  ['{{join .Names ", "}}', "web\ndb, data\n"],
  ['{{upper .ID}}|{{lower "AB"}}|{{title "up"}}', "0123456789AB|ab|Up\nFF|ab|Up\n"],
  ["{{truncate .ID 4}}", "0123\nff\n"],
  ["{{.ID | upper | truncate 3}}", "012\nFF\n"],
  ["{{.ID}}\\t{{.ExitCode}}", "0123456789ab\t\nff\t137\n"],
  ["{{.ID}}\\n", "0123456789ab\nff\n"],
  ['{{println .ID "x"}}', "0123456789ab x\nff x\n"],
  ["a {{- .ID -}} b", "a0123456789abb\naffb\n"],
  ["{{/* note */}}{{$.ID}}", "0123456789ab\nff\n"],
  ['{{"}}"}}', "}}\n}}\n"],
  ["plain", "plain\nplain\n"],
  ["table {{.ID}}\\t{{.ExitCode}}", "CONTAINER ID   EXIT\n0123456789ab\nff             137\n"],
  ["table {{.ID | upper}}\t{{.Names}}", 'CONTAINER ID   NAMES\n0123456789AB   ["web"]\nFF             ["db","data"]\n'],
];

for (const [format, expected] of templates) {
  test(`--format ${format} is understood`, () => {
    assert.equal(printed({ format }, (output) => output.list(rows, list)), expected);
  });
}

test("the table of a template has titles also for fields that are no column", () => {
  const fields = ["exitedAt"] as const;
  assert.equal(
    printed({ format: "table {{.ExitedAt}}" }, (output) => output.list([{ exitedAt: 5 }], { columns: [], fields })),
    "EXITED AT\n5\n",
  );
});

test("nested fields are found", () => {
  const record = { engine: { address: "/a" } };
  assert.equal(printed({ format: "{{.Engine.Address}}" }, (output) => output.one(record, () => "")), "/a\n");
});

const wrongTemplates: readonly (readonly [format: string, message: string, hint: string])[] = [
  ["{{.Nmaes}}", "there is no field .Nmaes", "did you mean .names?"],
  ["{{.Zzzzzzzz}}", "there is no field .Zzzzzzzz", "the fields are id, names, exitCode"],
  ["{{uper .ID}}", "{{uper .ID}} is not understood: no function uper", "did you mean upper?"],
  ["{{range .Names}}x{{end}}", "{{range .Names}} is not understood: no function range", "the functions are json, "],
  ["{{.ID", '"{{" is never closed in "{{.ID"', ""],
  ["{{}}", '"{{}}" is empty', ""],
  ["{{.ID | }}", 'nothing follows "|" in {{.ID |}}', ""],
  ["{{join .Names}}", "join in {{join .Names}} takes 2 values", ""],
  ["{{upper}}", "upper in {{upper}} takes one value", ""],
  ["{{.ID .Names}}", ".ID in {{.ID .Names}} is not a function", "the functions are"],
  ["{{upper ID}}", "ID in {{upper ID}} is not understood", "a value is .Field, a number, or text in double quotes"],
  ['{{upper "x}}', 'a string is never closed in {{upper "x}}', ""],
];

for (const [format, message, hint] of wrongTemplates) {
  test(`T16 --format ${format} is refused, also for an empty list`, () => {
    for (const records of [rows, []]) {
      assert.throws(
        () => printed({ format }, (output) => output.list(records, list)),
        (error) => {
          assert.ok(isCode(error, "invalid_argument"), String(error));
          assert.ok(error.message.startsWith(`--format: ${message}`), error.message);
          assert.ok((error.hint ?? "").startsWith(hint), String(error.hint));
          return true;
        },
      );
    }
  });
}

test("T16 --json and a template exclude each other", () => {
  assert.throws(
    () => printed({ json: true, format: "{{.ID}}" }, () => {}),
    (error) => isCode(error, "invalid_argument"),
  );
});

test("control characters are escaped on a terminal only, newlines in a cell always", () => {
  const record = { id: "\u001b[2Jx\u0007\u202e", names: ["a\nb"], exitCode: undefined };
  const columns = [{ header: "ID", field: "id" as const }, {
    header: "NAME",
    field: "names" as const,
    text: () => "a\nb",
  }];
  const print = (output: Output): void => output.list([record], { ...list, columns });
  assert.equal(printed({ terminal: true }, print), "ID                     NAME\n\\x1b[2Jx\\x07\\u{202e}   a\\nb\n");
  assert.equal(printed({}, print).split("\n")[1], "\u001b[2Jx\u0007\u202e   a\\nb");
  assert.equal(printed({ terminal: true, format: "{{.ID}}" }, print), "\\x1b[2Jx\\x07\\u{202e}\n");
  assert.equal(
    printed({ terminal: true }, (output) => output.one(record, ({ id }) => id)),
    "\\x1b[2Jx\\x07\\u{202e}\n",
  );
});

test("escapeControl() leaves text, tabs and newlines as they are", () => {
  assert.equal(escapeControl("größe\t1\n猫 🐈"), "größe\t1\n猫 🐈");
  assert.equal(escapeControl("\r\u009b\u2028"), "\\x0d\\x9b\\u{2028}");
});

test("our own colours survive on a terminal", () => {
  const print = (output: Output): void => output.one({ a: 1 }, () => output.paint("red", "bad"));
  assert.equal(printed({ terminal: true }, print), "\u001b[31mbad\u001b[39m\n");
  assert.equal(printed({}, print), "bad\n");
});

test("colour follows --color, then NO_COLOR, then FORCE_COLOR, then the terminal", () => {
  const wants = (
    env: Readonly<Record<string, string>>,
    isTerminal = true,
    color: "auto" | "always" | "never" = "auto",
  ) => wantsColor({ color, env, isTerminal });
  assert.equal(wants({}), true);
  assert.equal(wants({}, false), false);
  assert.equal(wants({ TERM: "dumb" }), false);
  assert.equal(wants({ NO_COLOR: "1" }), false);
  assert.equal(wants({ NO_COLOR: "" }), true);
  assert.equal(wants({ NO_COLOR: "1" }, true, "always"), true);
  assert.equal(wants({}, true, "never"), false);
  assert.equal(wants({ FORCE_COLOR: "1" }, false), true);
  assert.equal(wants({ FORCE_COLOR: "0" }, true), false);
  assert.equal(wants({ CLICOLOR_FORCE: "1", TERM: "dumb" }, false), true);
  assert.equal(wants({ NO_COLOR: "1", FORCE_COLOR: "1" }), false);
  assert.equal(painter({ color: "always", env: {}, isTerminal: false })("bold", "x"), "\u001b[1mx\u001b[22m");
});

test("columns are aligned by what a terminal shows: colours are nothing, wide characters two", () => {
  assert.equal(displayWidth("\u001b[31mab\u001b[39m"), 2);
  assert.equal(displayWidth("猫é"), 3);
  assert.equal(displayWidth("e\u0301🐈"), 3);
  assert.equal(alignColumns([["猫", "x"], ["abc", "y"]]), "猫    x\nabc   y\n");
});
