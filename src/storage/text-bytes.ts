/** Texts as bytes, for who takes the bytes of others that are kept as such. */
import type { TakeBytes } from './tuple-reader.ts';

const encoder = new TextEncoder();

/** Hands over the text in UTF-8. */
export function takeText(text: string, take: TakeBytes): void {
  const { buffer, byteOffset, length } = encoder.encode(text);
  take(new DataView(buffer, byteOffset, length), 0, length);
}
