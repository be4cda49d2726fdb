/** Addresses as numbers, so that prefixes can be compared. */

export interface Prefix {
  bits: 32 | 128;
  value: bigint;
  length: number;
}

/** An IPv4 or IPv6 address, or a prefix such as `10.0.0.0/24`; null for anything else. */
export function prefixOf(text: string): Prefix | null {
  const [address = "", length, ...more] = text.split("/");
  if (more.length > 0 || (length !== undefined && !/^\d+$/.test(length))) return null;
  const found = parsed(address);
  if (!found) return null;
  const bits = length === undefined ? found.bits : Number(length);
  return bits <= found.bits ? { ...found, length: bits } : null;
}

export function inPrefix(address: string, prefix: Prefix): boolean {
  const found = parsed(address);
  if (found?.bits !== prefix.bits) return false;
  const shift = BigInt(prefix.bits - prefix.length);
  return found.value >> shift === prefix.value >> shift;
}

function parsed(address: string): { bits: 32 | 128; value: bigint } | null {
  const four = fourOf(address);
  if (four !== null) return { bits: 32, value: BigInt(four) };
  const six = sixOf(address);
  return six === null ? null : { bits: 128, value: six };
}

function fourOf(address: string): number | null {
  const parts = address.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return null;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

function sixOf(address: string): bigint | null {
  if (!/^[0-9a-f:]+$/i.test(address)) return null;
  const halves = address.split("::");
  if (halves.length > 2) return null;
  const [front = [], back = []] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const missing = 8 - front.length - back.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const groups = [...front, ...Array<string>(missing).fill("0"), ...back];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return null;
  return groups.reduce((sum, group) => (sum << 16n) + BigInt(`0x${group}`), 0n);
}
