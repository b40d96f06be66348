/** Rules about globals: who may exit, print, read time, or wake a node polyfill. */
import { nodeAllowed } from "./import_rules.ts";
import { isProduct, sourcePath } from "./source_path.ts";

/** Writes log records to stderr, which is its purpose. */
const logSink = "lib/base/log_sink.ts";

/** `gantry/only-main-exits`: an exit elsewhere skips the clean-up of everyone above. */
export const onlyMainExits: Deno.lint.Rule = {
  create(context) {
    const path = sourcePath(context.filename);
    if (!path.startsWith("lib/")) return {};
    return onMember(context, (node, member) => {
      if (!/^(Deno\.exit|Deno\.exitCode|process\.exit|process\.exitCode)$/.test(member)) return;
      context.report({
        node,
        message: `Only main.ts exits the process, not ${member}.`,
        hint: "Return a code or throw.",
      });
    });
  },
};

/** `gantry/only-cli-prints`: the library and the daemon say things through getLogger. */
export const onlyCliPrints: Deno.lint.Rule = {
  create(context) {
    const path = sourcePath(context.filename);
    if (!path.startsWith("lib/") || path.startsWith("lib/cli/") || path === logSink) return {};
    return onMember(context, (node, member) => {
      if (!/^(console\.\w+|Deno\.stdout|Deno\.stderr)$/.test(member)) return;
      context.report({ node, message: `Only lib/cli prints, not ${member}.`, hint: 'Use getLogger("part").' });
    });
  },
};

const timeCalls = new Set(["setTimeout", "setInterval", "Date"]);
const timeMembers = /^(Date\.now|performance\.now|performance\.timeOrigin|Temporal\.Now|AbortSignal\.timeout)$/;

/** `gantry/only-clock-reads-time`: everything else gets a Clock, so that tests can move time. */
export const onlyClockReadsTime: Deno.lint.Rule = {
  create(context) {
    const path = sourcePath(context.filename);
    if (!isProduct(path) || path === "lib/base/clock.ts") return {};
    const report = (node: Deno.lint.Node, what: string): void =>
      context.report({
        node,
        message: `Only lib/base/clock.ts reads time, not ${what}.`,
        hint: "Take a Clock as an option.",
      });
    return {
      ...onMember(context, (node, member) => {
        if (timeMembers.test(member)) report(node, member);
      }),
      CallExpression(node) {
        if (node.callee.type === "Identifier" && timeCalls.has(node.callee.name)) report(node, `${node.callee.name}()`);
      },
      NewExpression(node) {
        const isDate = node.callee.type === "Identifier" && node.callee.name === "Date";
        if (isDate && node.arguments.length === 0) report(node, "new Date()");
      },
    };
  },
};

/**
 * `gantry/no-node-globals`: the first touch of `process` or `Buffer` loads node polyfills. A file that declares the name
 * itself (a container's process) is left alone: the bundle's own test catches what slips through.
 */
export const noNodeGlobals: Deno.lint.Rule = {
  create(context) {
    const path = sourcePath(context.filename);
    if (!isProduct(path) || nodeAllowed.some(([allowed]) => allowed === path)) return {};
    const declared = new Set(
      [...context.sourceCode.text.matchAll(
        /\b(?:const|let|var|function|class|import|using)\b[^;=]*?\b(process|Buffer)\b/g,
      )]
        .concat([
          ...context.sourceCode.text.matchAll(/[({,]\s*(?:readonly\s+)?(process|Buffer)\s*(?:[?:,})]|=>|=[^=])/g),
        ])
        .map((match) => match[1]),
    );
    return onMember(context, (node, member) => {
      const name = /^(?:globalThis\.)?(process|Buffer)(?:\.|$)/.exec(member)?.[1];
      if (name === undefined || (declared.has(name) && !member.startsWith("globalThis."))) return;
      context.report({
        node,
        message: `The global ${name} loads node polyfills: 12 to 25 ms of start-up.`,
        hint: name === "process" ? "Use Deno.*." : "Use Uint8Array.",
      });
    });
  },
};

/** Calls back for `a.b` (and `globalThis.a.b` as `a.b`, `globalThis.process` as itself) with its text. */
function onMember(
  context: Deno.lint.RuleContext,
  callback: (node: Deno.lint.MemberExpression, member: string) => void,
): Deno.lint.LintVisitor {
  return {
    MemberExpression(node) {
      if (!isPlain(node.object)) return;
      const text = context.sourceCode.getText(node).replace(/\s+/g, "").replaceAll("?.", ".").replace(
        /\["(\w+)"\]/,
        ".$1",
      );
      const isNodeGlobal = /^globalThis\.(process|Buffer)$/.test(text);
      callback(node, isNodeGlobal ? text : text.replace(/^globalThis\./, ""));
    },
  };
}

function isPlain(node: Deno.lint.Node): boolean {
  return node.type === "Identifier" ||
    (node.type === "MemberExpression" && node.object.type === "Identifier" && node.object.name === "globalThis");
}
