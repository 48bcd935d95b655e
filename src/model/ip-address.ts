/**
 * IP addresses and networks as bytes, read as strictly as Go's `netip` reads them: no leading
 * zeros, no spaces, no zones. An IPv4 address inside IPv6 (`::ffff:10.0.0.1`) is the IPv4 address.
 */

export interface Network {
  readonly address: Uint8Array;
  /** How many leading bits must agree. */
  readonly bits: number;
}

/** 4 or 16 bytes; undefined if the text is no address. */
export function parseIpAddress(text: string): Uint8Array | undefined {
  const address = text.includes(':') ? parseIpv6(text) : parseIpv4(text);
  return address !== undefined && isMapped(address) ? address.subarray(12) : address;
}

/** `address/bits`; undefined if the text is no network. */
export function parseNetwork(text: string): Network | undefined {
  const slash = text.lastIndexOf('/');
  if (slash === -1) return undefined;
  const prefix = text.slice(0, slash);
  const length = text.slice(slash + 1);
  const address = prefix.includes(':') ? parseIpv6(prefix) : parseIpv4(prefix);
  if (address === undefined || !/^(0|[1-9]\d{0,2})$/.test(length)) return undefined;
  const bits = Number(length);
  if (bits > address.length * 8) return undefined;
  return isMapped(address) && bits >= 96
    ? { address: address.subarray(12), bits: bits - 96 }
    : { address, bits };
}

export function networkContains(network: Network, address: Uint8Array): boolean {
  if (network.address.length !== address.length) return false;
  return address.every((byte, i) => {
    const bits = Math.min(Math.max(network.bits - i * 8, 0), 8);
    const mask = (0xff << (8 - bits)) & 0xff;
    return (byte & mask) === ((network.address[i] ?? 0) & mask);
  });
}

function isMapped(address: Uint8Array): boolean {
  if (address.length !== 16 || address[10] !== 0xff || address[11] !== 0xff) return false;
  return address.subarray(0, 10).every((byte) => byte === 0);
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part))) {
    return undefined;
  }
  const bytes = parts.map(Number);
  return bytes.some((byte) => byte > 255) ? undefined : Uint8Array.from(bytes);
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? '', halves.length === 1);
  if (halves.length === 1) return head?.length === 16 ? Uint8Array.from(head) : undefined;
  const back = parseGroups(halves[1] ?? '', true);
  // `::` stands for at least one group of zeros.
  if (head === undefined || back === undefined || head.length + back.length > 14) return undefined;
  const address = new Uint8Array(16);
  address.set(head, 0);
  address.set(back, 16 - back.length);
  return address;
}

/** Bytes of `a:b:c`; the last group may be an IPv4 address where the text ends the address. */
function parseGroups(text: string, endsAddress: boolean): number[] | undefined {
  if (text === '') return [];
  const groups = text.split(':');
  const bytes: number[] = [];
  for (const [i, group] of groups.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
      continue;
    }
    const ipv4 = endsAddress && i === groups.length - 1 ? parseIpv4(group) : undefined;
    if (ipv4 === undefined) return undefined;
    bytes.push(...ipv4);
  }
  return bytes;
}
