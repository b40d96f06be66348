/** True for an IPv4 address in four decimal parts or an IPv6 address without a zone, as resolv.conf and hosts take them. */
export function isIpAddress(text: string): boolean {
  if (/^(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!$)|$)){4}$/.test(text)) return true;
  // The parser of the URL standard knows every form of IPv6; nothing but its letters gets to it.
  return /^[0-9a-fA-F:.]+$/.test(text) && text.includes(":") && URL.canParse(`http://[${text}]/`);
}
