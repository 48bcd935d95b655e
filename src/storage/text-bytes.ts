/** Texts as bytes, for who takes the bytes of others that are kept as such. */
import { leastReadable, type TakeTexts } from './tuple-reader.ts';

const textsAtOnce = 128;

/** So that the last text can be read by words. */
const room = ' '.repeat(leastReadable);

const encoder = new TextEncoder();

/** Hands over the texts in UTF-8, many at a time: one by one takes longer. */
export function takeTexts(texts: readonly string[], take: TakeTexts): void {
  for (let from = 0; from < texts.length; from += textsAtOnce) {
    const some = texts.slice(from, from + textsAtOnce);
    const all = some.join('') + room;
    const bytes = encoder.encode(all);
    // As many as there are characters: then each text begins where it does among the characters.
    if (bytes.length === all.length) takeAll(bytes, some, take);
    else for (const text of some) takeOne(text, take);
  }
}

function takeAll(bytes: Uint8Array, texts: readonly string[], take: TakeTexts): void {
  const starts = new Uint32Array(texts.length);
  const lengths = new Uint32Array(texts.length);
  let start = 0;
  for (const [i, { length }] of texts.entries()) {
    starts[i] = start;
    lengths[i] = length;
    start += length;
  }
  take(viewOf(bytes), starts, lengths, texts.length);
}

/** By itself, as two halves of a character must not meet. */
function takeOne(text: string, take: TakeTexts): void {
  const bytes = encoder.encode(text);
  const padded = new Uint8Array(bytes.length + leastReadable);
  padded.set(bytes);
  take(viewOf(padded), Uint32Array.of(0), Uint32Array.of(bytes.length), 1);
}

function viewOf({ buffer, byteOffset, length }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, length);
}
