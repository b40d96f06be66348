import type { HostEntry } from "../container_options.ts";
import { isIpAddress } from "./ip_address.ts";
import { refusal } from "./refusal.ts";

/** In place of an address: the host that the container runs on. */
export const hostGateway = "host-gateway";

/** A name of labels between dots, also with the underscores that docker allows; 255 characters as in DNS. */
const namePattern =
  /^(?=.{1,255}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*$/;

/** A line for /etc/hosts as `--add-host` takes it: `NAME:IP` or `NAME=IP`, IPv6 also in brackets, or `host-gateway`. */
export function parseAddHost(text: string): HostEntry {
  const refuse = refusal("--add-host", text);
  const [, name, given] = /^([^:=]*)[:=](.*)$/s.exec(text) ?? [];
  const shape = "write NAME:IP, e.g. db:10.0.0.7 or db:[fd00::7]";
  if (name === undefined || given === undefined) throw refuse("has no address", shape);
  if (!namePattern.test(name)) throw refuse(`has ${JSON.stringify(name)}, which is not a host name`, shape);
  const address = /^\[(.*)\]$/s.exec(given)?.[1] ?? given;
  if (given !== hostGateway && !isIpAddress(address)) {
    throw refuse(`has ${JSON.stringify(given)}, which is not an IP address`, shape);
  }
  return { name, address };
}

/** A name server as `--dns` takes it: an IP address. */
export function parseDns(text: string): string {
  if (isIpAddress(text)) return text;
  throw refusal("--dns", text)("is not an IP address", "write e.g. 10.0.0.53; names cannot be looked up without one");
}

/** A search domain as `--dns-search` takes it; `.` for none. */
export function parseDnsSearch(text: string): string {
  if (text === "." || namePattern.test(text.replace(/\.$/, ""))) return text;
  throw refusal("--dns-search", text)("is not a domain", "write e.g. example.com, or . for no search domains");
}

/** An option of the resolver as `--dns-option` takes it, e.g. `ndots:2`; see resolv.conf(5). */
export function parseDnsOption(text: string): string {
  if (/^[!-"$-:<-~]+$/.test(text)) return text;
  throw refusal("--dns-option", text)("is not an option of the resolver", "write e.g. ndots:2 or rotate");
}
