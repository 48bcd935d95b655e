/** Texts as bytes, for who takes the bytes of others that are kept as such. */
import { leastReadable, type TakeBytes } from './tuple-reader.ts';

const encoder = new TextEncoder();

/** Hands over the text in UTF-8. */
export function takeText(text: string, take: TakeBytes): void {
  const bytes = new Uint8Array(text.length * 3 + leastReadable);
  take(new DataView(bytes.buffer), 0, encoder.encodeInto(text, bytes).written);
}
