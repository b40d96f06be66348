/** Rules about the form of a file and of the language in it. */
import { isProduct, sourcePath } from "./source_path.ts";

const mostLines = 300;
const bannedWords = /^(utils?|helpers?|managers?|services?|common)$/;

/** `gantry/file-length`: one thing a file. */
export const fileLength: Deno.lint.Rule = {
  create(context) {
    return {
      Program() {
        const lines = context.sourceCode.text.replace(/\n$/, "").split("\n").length;
        if (lines <= mostLines) return;
        context.report({
          range: [0, 1],
          message: `${lines} lines are more than ${mostLines}.`,
          hint: "One thing a file: take a part out.",
        });
      },
    };
  },
};

/** `gantry/file-names`: snake_case, and a word that says what the file holds. */
export const fileNames: Deno.lint.Rule = {
  create(context) {
    const path = sourcePath(context.filename);
    const name = path.split("/").at(-1) ?? path;
    return {
      Program() {
        if (!/^[a-z0-9_]+(\.d)?\.ts$/.test(name)) {
          context.report({ range: [0, 1], message: `${name} is not snake_case.` });
        }
        const banned = path.replace(/\.ts$/, "").split(/[/_.]/).find((word) => bannedWords.test(word));
        if (banned !== undefined) {
          context.report({
            range: [0, 1],
            message: `"${banned}" in ${path} says nothing.`,
            hint: "Name the file after the thing it holds, with containerd's nouns.",
          });
        }
      },
    };
  },
};

/** `gantry/no-casts`: a cast is a claim nobody checks; only lib/wire, which decodes bytes, may make it. `as const` is none. */
export const noCasts: Deno.lint.Rule = {
  create(context) {
    const path = sourcePath(context.filename);
    if (!isProduct(path) || path.startsWith("lib/wire/")) return {};
    const report = (node: Deno.lint.Node): void =>
      context.report({
        node,
        message: "`as` is for lib/wire only.",
        hint: "Narrow with a check, or write a type guard.",
      });
    return {
      TSAsExpression(node) {
        const type = node.typeAnnotation;
        const isConst = type.type === "TSTypeReference" && type.typeName.type === "Identifier" &&
          type.typeName.name === "const";
        if (!isConst) report(node);
      },
      TSTypeAssertion: report,
    };
  },
};

/** `gantry/no-enums`: a union of strings prints, compares and erases better. */
export const noEnums: Deno.lint.Rule = {
  create(context) {
    return {
      TSEnumDeclaration(node) {
        context.report({ node, message: "No enums.", hint: "Use a union of string literals." });
      },
    };
  },
};

/** `gantry/no-default-exports`: a thing has one name everywhere. Deno's lint asks a plugin for a default export. */
export const noDefaultExports: Deno.lint.Rule = {
  create(context) {
    if (sourcePath(context.filename) === "scripts/lint_plugin.ts") return {};
    return {
      ExportDefaultDeclaration(node) {
        context.report({ node, message: "No default exports.", hint: "Export it under its name." });
      },
    };
  },
};

/** `gantry/hash-private`: `#name` is private at run time too. */
export const hashPrivate: Deno.lint.Rule = {
  create(context) {
    const report = (node: Deno.lint.Node): void =>
      context.report({ node, message: "Use #name in place of the keyword private." });
    return {
      'PropertyDefinition[accessibility="private"]': report,
      MethodDefinition(node) {
        // A constructor cannot be called #constructor.
        if (node.accessibility === "private" && node.kind !== "constructor") report(node);
      },
      // Deno 2.9 leaves the accessibility of a parameter property out of the tree.
      TSParameterProperty(node) {
        if (/^(@\S+\s+)*private\b/.test(context.sourceCode.getText(node))) report(node);
      },
    };
  },
};
