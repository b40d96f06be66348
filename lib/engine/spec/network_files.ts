import { GantryError } from "../../base/errors.ts";
import type { Mount } from "../../wire/oci.ts";
import type { ContainerOptions } from "../container_options.ts";
import { hostGateway, parseAddHost, parseDns, parseDnsOption, parseDnsSearch } from "./network_options.ts";

/** A file that the engine writes into the container's data directory before the task is made. */
export interface ContainerFile {
  /** Name in that directory, e.g. `hosts`. */
  readonly name: string;
  /** Its text. */
  readonly content: string;
  /** Permission bits. */
  readonly mode: number;
}

/** What the files about names depend on. */
export interface NetworkFilesRequest {
  readonly options: Pick<ContainerOptions, "dns" | "dnsSearch" | "dnsOption" | "addHost" | "mounts" | "readOnly">;
  /** True for a network of its own, which has only a loopback. */
  readonly ownNetwork: boolean;
  /** Name in the container. */
  readonly hostname: string;
  /** The host's /etc/resolv.conf and /etc/hosts, for a container in the host's network; undefined for others. */
  readonly hostTexts: HostTexts;
  /** Absolute directory that the files will be in. */
  readonly dataDir: string | undefined;
}

/** Texts of files of the host; undefined for those that are not there. */
export interface HostTexts {
  readonly resolvConf?: string | undefined;
  readonly hosts?: string | undefined;
}

/** Files, the mounts that show them in the container, and what had no effect. */
export interface NetworkFiles {
  readonly files: readonly ContainerFile[];
  readonly mounts: readonly Mount[];
  readonly warnings: readonly string[];
}

/**
 * The resolv.conf, hosts and hostname of a container, made only when an option asks for them: a root filesystem that is a
 * plain directory belongs to the user, and the runtime would leave an empty file in it for each that is mounted.
 *
 * The first three come from the host in its network, else from nothing. `host-gateway` is the loopback address in the
 * host's network and `invalid_argument` in one that does not lead to the host.
 */
export function composeNetworkFiles(request: NetworkFilesRequest): NetworkFiles {
  const { options } = request;
  const asked: readonly (readonly [boolean, WantedFile])[] = [
    [isResolverAsked(options), { flag: "--dns", path: "/etc/resolv.conf", make: resolvConf }],
    [isHostsAsked(options), { flag: "--add-host", path: "/etc/hosts", make: hosts }],
    [isHostsAsked(options), { flag: "--add-host", path: "/etc/hostname", make: ({ hostname }) => `${hostname}\n` }],
  ];
  const wanted = asked.filter(([isAsked]) => isAsked).map(([, file]) => file);
  const hidden = wanted.filter(({ path }) => isHidden(path, options));
  const shown = wanted.filter((file) => !hidden.includes(file));
  if (shown.length > 0 && request.dataDir === undefined) {
    throw new TypeError("files are needed for the container, and no data directory was given for them");
  }
  return {
    files: shown.map(({ path, make }) => ({ name: nameOf(path), content: make(request), mode: 0o644 })),
    mounts: shown.map(({ path }) => ({
      destination: path,
      type: "bind",
      source: `${request.dataDir}/${nameOf(path)}`,
      options: ["bind", ...(options.readOnly ? ["ro"] : []), "rprivate"],
    })),
    // The host name alone was not asked for.
    warnings: hidden.filter(({ path }) => path !== "/etc/hostname")
      .map(({ flag, path }) => `${flag} has no effect: a mount of yours is at ${path}`),
  };
}

/** True when the container gets a resolv.conf of its own. */
export function isResolverAsked(options: Pick<ContainerOptions, "dns" | "dnsSearch" | "dnsOption">): boolean {
  return [options.dns, options.dnsSearch, options.dnsOption].some((list) => (list ?? []).length > 0);
}

/** True when the container gets an /etc/hosts of its own. */
export function isHostsAsked(options: Pick<ContainerOptions, "addHost">): boolean {
  return (options.addHost ?? []).length > 0;
}

interface WantedFile {
  readonly flag: string;
  readonly path: string;
  readonly make: (request: NetworkFilesRequest) => string;
}

function resolvConf({ options, hostTexts }: NetworkFilesRequest): string {
  const servers = (options.dns ?? []).map(parseDns);
  const domains = (options.dnsSearch ?? []).map(parseDnsSearch).filter((domain) => domain !== ".");
  const words = (options.dnsOption ?? []).map(parseDnsOption);
  const replaced = [
    ...(servers.length > 0 ? ["nameserver"] : []),
    ...((options.dnsSearch ?? []).length > 0 ? ["search", "domain"] : []),
    ...(words.length > 0 ? ["options"] : []),
  ];
  const kept = (hostTexts.resolvConf ?? "").split("\n")
    .filter((line) => line !== "" && !replaced.includes(/^\s*(\S+)/.exec(line)?.[1] ?? ""));
  return lines([
    ...kept,
    ...servers.map((server) => `nameserver ${server}`),
    ...(domains.length > 0 ? [`search ${domains.join(" ")}`] : []),
    ...(words.length > 0 ? [`options ${words.join(" ")}`] : []),
  ]);
}

/** Names for the loopback, in networks that have only that: as docker writes them, with the container's own name. */
function ownHosts(hostname: string): readonly string[] {
  return [
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::0\tip6-localnet",
    "ff00::0\tip6-mcastprefix",
    "ff02::1\tip6-allnodes",
    "ff02::2\tip6-allrouters",
    `127.0.0.1\t${hostname}`,
  ];
}

function hosts(request: NetworkFilesRequest): string {
  const { hostTexts, hostname } = request;
  const base = hostTexts.hosts?.split("\n").filter((line) => line !== "") ?? ownHosts(hostname);
  const added = (request.options.addHost ?? []).map(({ name, address }) => {
    // Checked again: these may come from a program and not from a flag.
    const entry = parseAddHost(`${name}=${address}`);
    return `${entry.address === hostGateway ? gatewayOf(name, request) : entry.address}\t${entry.name}`;
  });
  return lines([...base, ...added]);
}

function gatewayOf(name: string, { ownNetwork }: NetworkFilesRequest): string {
  if (!ownNetwork) return "127.0.0.1";
  throw new GantryError(
    "invalid_argument",
    `--add-host ${name}:${hostGateway}: with --network none there is no way to the host`,
    { hint: "use --network host, or leave it out" },
  );
}

function isHidden(path: string, { mounts }: Pick<ContainerOptions, "mounts">): boolean {
  return mounts.some(({ target }) => `${path}/`.startsWith(`${target}/`));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join("");
}
