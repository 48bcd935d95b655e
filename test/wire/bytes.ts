/** Protobuf by hand: tags and lengths as the encoding's specification says, without its encoder. */

export type Bytes = readonly number[];

const varintType = 0;
const fixed64Type = 1;
const lengthType = 2;

/** REQUIRES: a whole number from 0. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return [...bytes, rest];
}

const tag = (field: number, type: number) => varint(field * 8 + type);

export function whole(field: number, value: number): Bytes {
  return [...tag(field, varintType), ...varint(value)];
}

export function text(field: number, value: string): Bytes {
  return within(field, [...new TextEncoder().encode(value)]);
}

/** A message within a message. */
export function within(field: number, ...parts: Bytes[]): Bytes {
  const body = parts.flat();
  return [...tag(field, lengthType), ...varint(body.length), ...body];
}

export function double(field: number, value: number): Bytes {
  const bytes = new Uint8Array(new Float64Array([value]).buffer);
  return [...tag(field, fixed64Type), ...bytes];
}

export function fixed(field: number, value: bigint): Bytes {
  const bytes = new Uint8Array(new BigUint64Array([value]).buffer);
  return [...tag(field, fixed64Type), ...bytes];
}

/** An entry of a map with text keys. */
export function entry(field: number, key: string, ...value: Bytes[]): Bytes {
  return within(field, text(1, key), within(2, ...value));
}
