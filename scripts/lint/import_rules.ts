/** Rules about what a file may import. */
import { importedPath, isProduct, sourcePath } from "./source_path.ts";

/** Height of each layer: imports go down only, and two layers of one height do not know each other. */
const heights: Readonly<Record<string, number>> = {
  "lib/base": 0,
  "proto": 1,
  "lib/wire": 2,
  "lib/rpc": 3,
  "lib/containerd": 4,
  "lib/shim": 4,
  "lib/engine": 5,
  "lib/supervisor": 5,
  "lib/control": 6,
  "lib/daemon": 7,
  "lib/mod.ts": 8,
  "lib/cli": 9,
  "main.ts": 10,
};

/**
 * Files that may load a `node:` module, and why it cannot slow a command down. Type-only imports need no entry.
 * Everything here is reached through `import()` only; tests/unit/scripts/bundle_test.ts proves it on the bundle.
 */
export const nodeAllowed: readonly (readonly [path: string, why: string])[] = [
  ["lib/rpc/grpc_transport.ts", "grpc-js itself is built on node:http2; the file is imported lazily"],
];

/** `gantry/layers`: see {@link heights}. */
export const layers: Deno.lint.Rule = {
  create(context) {
    const path = sourcePath(context.filename);
    if (!isProduct(path)) return {};
    const own = layerOf(path);
    return onImport((node, specifier) => {
      const target = importedPath(path, specifier);
      if (target === undefined) return;
      const other = layerOf(target);
      if (own === undefined || other === undefined) {
        const odd = own === undefined ? path : target;
        context.report({
          node,
          message: `${odd} is in no layer.`,
          hint: `Layers are ${Object.keys(heights).join(", ")}.`,
        });
      } else if (own !== other && heightOf(own) <= heightOf(other)) {
        context.report({
          node,
          message: `${own} may not import ${other}: imports go down only.`,
          hint: "Move the shared part down, or hand it in as an argument.",
        });
      }
    });
  },
};

/** `gantry/only-grpc-transport-imports-grpc`: everyone else speaks to a Transport. */
export const onlyGrpcTransportImportsGrpc: Deno.lint.Rule = {
  create(context) {
    const path = sourcePath(context.filename);
    if (!isProduct(path) || path === "lib/rpc/grpc_transport.ts") return {};
    return onImport((node, specifier) => {
      if (!/^(npm:)?@grpc\//.test(specifier)) return;
      context.report({ node, message: "Only lib/rpc/grpc_transport.ts imports grpc-js.", hint: "Use a Transport." });
    });
  },
};

/** `gantry/no-node-imports`: each costs a command 12 to 130 ms of start-up. Type-only imports are erased and free. */
export const noNodeImports: Deno.lint.Rule = {
  create(context) {
    const path = sourcePath(context.filename);
    if (!isProduct(path) || nodeAllowed.some(([allowed]) => allowed === path)) return {};
    return onImport((node, specifier, isType) => {
      if (isType || !specifier.startsWith("node:")) return;
      context.report({
        node,
        message: `${specifier} loads node polyfills: 12 to 130 ms of start-up.`,
        hint: "Use Deno's own API, or import() it in a file listed in scripts/lint/import_rules.ts.",
      });
    });
  },
};

/** `gantry/no-barrels`: a file that re-exports others makes every importer load all of them. */
export const noBarrels: Deno.lint.Rule = {
  create(context) {
    if (sourcePath(context.filename) === "lib/mod.ts") return {};
    return {
      ExportAllDeclaration(node) {
        context.report({
          node,
          message: "Only lib/mod.ts re-exports whole files.",
          hint: "Import from where it is defined.",
        });
      },
    };
  },
};

function layerOf(path: string): string | undefined {
  if (path in heights) return path;
  const folders = path.split("/");
  const layer = path.startsWith("proto/") ? "proto" : folders.slice(0, 2).join("/");
  return layer in heights && folders.length > 1 ? layer : undefined;
}

function heightOf(layer: string): number {
  return heights[layer] ?? Infinity;
}

type ImportNode =
  | Deno.lint.ImportDeclaration
  | Deno.lint.ExportAllDeclaration
  | Deno.lint.ExportNamedDeclaration
  | Deno.lint.ImportExpression;

/** Calls back for each way to name another module. */
function onImport(callback: (node: ImportNode, specifier: string, isType: boolean) => void): Deno.lint.LintVisitor {
  return {
    ImportDeclaration: (node) => callback(node, node.source.value, node.importKind === "type"),
    ExportAllDeclaration: (node) => callback(node, node.source.value, node.exportKind === "type"),
    ExportNamedDeclaration: (node) => {
      if (node.source !== null) callback(node, node.source.value, node.exportKind === "type");
    },
    ImportExpression: (node) => {
      if (node.source.type === "Literal" && typeof node.source.value === "string") {
        callback(node, node.source.value, false);
      }
    },
  };
}
