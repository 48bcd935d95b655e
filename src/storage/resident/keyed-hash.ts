/**
 * HalfSipHash-1-3: a hash under a secret key, so that nobody can choose names that collide. A plain
 * FNV from a secret beginning will not do: names that collide under it collide from any beginning
 * with the same low byte.
 */

/** `first` and `second` are the key; `tag` is hashed before the bytes. */
export function keyedHash(
  key: { readonly first: number; readonly second: number },
  tag: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  let v0 = key.first;
  let v1 = key.second;
  let v2 = key.first ^ 0x6c796765;
  let v3 = key.second ^ 0x74656462;

  let word = tag;
  const last = end - ((end - start) & 3);
  for (let at = start; ; at += 4) {
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
    if (at > last) break;
    word = at === last ? tailOf(bytes, start, end) : wordAt(bytes, at);
  }

  v2 ^= 0xff;
  for (let round = 0; round < 3; round++) {
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
  }
  return v1 ^ v3;
}

/** 32 bits, the lowest byte first. */
export function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

/** What is left of the bytes, with their number above it. */
function tailOf(bytes: Uint8Array, start: number, end: number): number {
  let word = (end - start) << 24;
  const rest = (end - start) & 3;
  for (let i = 0; i < rest; i++) word |= (bytes[end - rest + i] as number) << (8 * i);
  return word;
}
