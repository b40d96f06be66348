/**
 * The bundle: ES modules, split where the program splits itself with import(), so that a command loads only what it needs.
 * grpc-js is a bundle of its own. It is CommonJS and needs `createRequire`; in the same bundle esbuild would put that,
 * and with it node polyfills, into a chunk that every command loads.
 */
import { build, type BuildOptions, type Plugin } from "esbuild";
import { type NodeTouch, nodeTouches } from "./node_touches.ts";

/** What goes into the program besides its source. */
export interface BundleOptions {
  /** The module that starts the program. */
  readonly entry: string;
  /** Values of `GANTRY_BUILD`; see lib/base/build_info.ts. */
  readonly info: Readonly<Record<string, string>>;
  /** The project's folder; module names are relative to it. */
  readonly root: string;
  /**
   * Hides import() from Deno's look ahead, which would read every lazy chunk at every start. `deno compile` needs to see
   * them. Default: false.
   */
  readonly opaqueImports?: boolean | undefined;
}

/** A file of the bundle. */
export interface BundleFile {
  readonly name: string;
  readonly contents: Uint8Array;
}

/** A built program: `main.js` starts it. */
export interface Bundle {
  readonly files: readonly BundleFile[];
  /** Which chunks touch node polyfills, other than the one made of grpc-js. */
  readonly touches: readonly NodeTouch[];
}

/** The grpc-js package, as the program names it and as the file that holds it. */
const grpc = { specifier: "@grpc/grpc-js", file: "grpc.js" };

/** Bundles the program. Fails on anything esbuild warns about. */
export async function bundle(options: BundleOptions): Promise<Bundle> {
  const [program, library] = await Promise.all([bundleProgram(options), bundleGrpc(options.root)]);
  const usesGrpc = program.files.some(({ contents }) =>
    new TextDecoder().decode(contents).includes(`"./${grpc.file}"`)
  );
  return { files: usesGrpc ? [...program.files, ...library] : program.files, touches: program.touches };
}

async function bundleProgram({ entry, info, root, opaqueImports = false }: BundleOptions): Promise<Bundle> {
  const settings: BuildOptions = {
    ...shared(root),
    stdin: {
      contents: `import ${JSON.stringify(`${root}scripts/compile/entry.ts`)};\nimport ${JSON.stringify(entry)};\n`,
      resolveDir: root,
      sourcefile: "main",
    },
    entryNames: "main",
    chunkNames: "[name]-[hash]",
    splitting: true,
    // "deno" first: LogTape's "node" variant imports node:util.
    platform: "neutral",
    conditions: ["deno", "import"],
    mainFields: ["module", "main"],
    external: ["node:*"],
    plugins: [grpcApart, withoutProcess],
    define: { GANTRY_BUILD: JSON.stringify(info) },
    minifySyntax: true, // drops the branch for running from source; names and lines stay readable in stack traces
  };
  const { outputFiles = [] } = await build(settings);
  const touches = await nodeTouches(settings);
  const files = outputFiles.map((file) => ({
    name: baseName(file.path),
    contents: opaqueImports ? hideImports(file.text) : file.contents,
  }));
  return { files, touches };
}

/** An array's member is no literal to the reader of the module graph, and the same string at run time. */
function hideImports(text: string): Uint8Array {
  return new TextEncoder().encode(text.replace(/\bimport\(("\.\/[\w.-]+\.js")\)/g, "import([$1][0])"));
}

/** Everything grpc-js exports, under names: an ES module cannot re-export CommonJS names it does not list. */
async function bundleGrpc(root: string): Promise<readonly BundleFile[]> {
  const names = Object.keys(await import("@grpc/grpc-js")).filter((name) => /^\w+$/.test(name) && name !== "default");
  const { outputFiles = [] } = await build({
    ...shared(root),
    stdin: {
      contents: `import * as grpc from "${grpc.specifier}";\nexport const { ${names.join(", ")} } = grpc;\n`,
      resolveDir: root,
      sourcefile: "grpc",
    },
    entryNames: "grpc",
    platform: "node",
    banner: {
      js: `import { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);`,
    },
  });
  return outputFiles.map((file) => ({ name: baseName(file.path), contents: file.contents }));
}

function shared(root: string): BuildOptions & { readonly write: false } {
  return {
    absWorkingDir: root,
    bundle: true,
    format: "esm",
    target: "esnext",
    outdir: "dist/bundle",
    write: false,
    charset: "utf8",
    legalComments: "none",
    logLevel: "silent",
    logOverride: {},
  };
}

const grpcApart: Plugin = {
  name: "grpc-apart",
  setup(context) {
    context.onResolve({ filter: /^@grpc\/grpc-js$/ }, () => ({ path: `./${grpc.file}`, external: true }));
  },
};

/** Packages ask `process` for switches that gantry does not use; asking loads the polyfill. */
const withoutProcess: Plugin = {
  name: "without-process",
  setup(context) {
    context.onLoad({ filter: /\/node_modules\/.*\.[cm]?js$/ }, async ({ path }) => {
      const source = await Deno.readTextFile(path);
      if (!/\bprocess\b/.test(source)) return undefined;
      const without = source.replace(/\bglobalThis\.process\b/g, "undefined");
      return { contents: `const process = undefined;\n${without}`, loader: "js" };
    });
  },
};

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
