/** The JSON of a packed list of objects, made of its bytes: no text for each name, and none twice. */
import type { PackedObjects } from '../service/packed-objects.ts';

const open = Buffer.from('{"objects":[');
const close = Buffer.from(']}');
const quote = 0x22;
const comma = 0x2c;

const isEscaped = 1;
const isAboveAscii = 2;

/** By byte: what it means for the text. */
const traits = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte < 0x20 || byte === quote || byte === 0x5c) return isEscaped;
  return byte >= 0x80 ? isAboveAscii : 0;
});

/** Undefined where there is no object, or a name that JSON escapes. */
export function textOfPacked({ bytes }: PackedObjects): string | undefined {
  if (bytes.length === 0) return undefined;
  // Each name has two bytes before it at least, where the text has three around it.
  const text = Buffer.allocUnsafe(bytes.length * 2 + open.length + close.length);
  let end = open.copy(text);
  let met = 0;
  for (let at = 0; at < bytes.length; ) {
    at++;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] as number;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    text[end++] = quote;
    for (const next = at + length; at < next; at++) {
      const byte = bytes[at] as number;
      met |= traits[byte] as number;
      text[end++] = byte;
    }
    text[end++] = quote;
    text[end++] = comma;
  }
  if ((met & isEscaped) !== 0) return undefined;
  // In place of the last comma.
  end += close.copy(text, end - 1) - 1;
  return text.toString(met === 0 ? 'latin1' : 'utf8', 0, end);
}
