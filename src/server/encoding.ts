/** Bytes and texts of responses. Those of frozen messages, which never change, are made once. */
import { type DescMessage, type Message, toBinary } from '@bufbuild/protobuf';

type Encode<Encoded> = (schema: DescMessage, message: Message) => Encoded;

/** REQUIRES: what `encode` returns is not changed by whoever asks for it. */
export function onceIfFrozen<Encoded extends object | string>(
  encode: Encode<Encoded>,
): Encode<Encoded> {
  const known = new WeakMap<Message, Encoded>();
  return (schema, message) => {
    if (!Object.isFrozen(message)) return encode(schema, message);
    let encoded = known.get(message);
    if (encoded === undefined) {
      encoded = encode(schema, message);
      known.set(message, encoded);
    }
    return encoded;
  };
}

export const encodeBinary = onceIfFrozen((schema, message) => {
  const bytes = toBinary(schema, message);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
});
