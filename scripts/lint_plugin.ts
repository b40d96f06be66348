/** gantry's own lint rules (design.md, "Layers" and "Style"); registered in deno.json. */
import { fileLength, fileNames, hashPrivate, noCasts, noDefaultExports, noEnums } from "./lint/form_rules.ts";
import { noNodeGlobals, onlyCliPrints, onlyClockReadsTime, onlyMainExits } from "./lint/global_rules.ts";
import { layers, noBarrels, noNodeImports, onlyGrpcTransportImportsGrpc } from "./lint/import_rules.ts";

const plugin: Deno.lint.Plugin = {
  name: "gantry",
  rules: {
    "file-length": fileLength,
    "file-names": fileNames,
    "hash-private": hashPrivate,
    "layers": layers,
    "no-barrels": noBarrels,
    "no-casts": noCasts,
    "no-default-exports": noDefaultExports,
    "no-enums": noEnums,
    "no-node-globals": noNodeGlobals,
    "no-node-imports": noNodeImports,
    "only-cli-prints": onlyCliPrints,
    "only-clock-reads-time": onlyClockReadsTime,
    "only-grpc-transport-imports-grpc": onlyGrpcTransportImportsGrpc,
    "only-main-exits": onlyMainExits,
  },
};

export default plugin;
