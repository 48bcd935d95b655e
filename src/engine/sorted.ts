/**
 * Sorts texts in slices: a long list must not keep others waiting. A merge sort over integers and
 * doubles, as most comparisons need no more of a text than fits into one.
 */
import { compareBytes } from '../base/bytes.ts';
import type { Steps } from './steps.ts';
import type { Pauses } from './subject-set.ts';

/** Places of texts, beside the keys of the texts. */
interface Places {
  readonly places: Int32Array;
  readonly keys: Float64Array;
}

/** The places of the texts in the order of their bytes. Yields where it may be interrupted. */
export function* sorted(texts: readonly string[], steps: Steps): Pauses<Int32Array> {
  const { length } = texts;
  let from: Places = { places: new Int32Array(length), keys: new Float64Array(length) };
  let to: Places = { places: new Int32Array(length), keys: new Float64Array(length) };
  const keyOf = keyFor(texts);
  for (let place = 0; place < length; place++) {
    from.places[place] = place;
    from.keys[place] = keyOf(texts[place] as string);
    if (steps.take()) yield undefined;
  }
  for (let width = 1; width < length; width *= 2) {
    for (let start = 0; start < length; start += 2 * width) {
      const end = Math.min(start + 2 * width, length);
      merge(texts, from, to, { start, middle: Math.min(start + width, length), end });
      if (steps.take(end - start)) yield undefined;
    }
    [from, to] = [to, from];
  }
  return from.places;
}

interface Halves {
  readonly start: number;
  readonly middle: number;
  readonly end: number;
}

function merge(
  texts: readonly string[],
  from: Places,
  to: Places,
  { start, middle, end }: Halves,
): void {
  const { places, keys } = from;
  let left = start;
  let right = middle;
  for (let at = start; at < end; at++) {
    let takesLeft = left < middle;
    if (takesLeft && right < end) {
      const [a, b] = [keys[left] as number, keys[right] as number];
      takesLeft = a < b || (a === b && !isAfter(texts, places, left, right));
    }
    const next = takesLeft ? left++ : right++;
    to.places[at] = places[next] as number;
    to.keys[at] = keys[next] as number;
  }
}

function isAfter(texts: readonly string[], places: Int32Array, a: number, b: number): boolean {
  const [left, right] = [texts[places[a] as number], texts[places[b] as number]];
  return compareBytes(left as string, right as string) > 0;
}

const asciiBits = 7;
/** As many characters as fit into a double exactly. */
const asciiLength = 7;

/** ENSURES: where one key is less than another, so is its text. */
function keyFor(texts: readonly string[]): (text: string) => number {
  const skipped = commonPrefix(texts);
  return (text) => {
    let key = 0;
    for (let i = skipped; i < skipped + asciiLength; i++) {
      const unit = i < text.length ? text.charCodeAt(i) : 0;
      // Whatever is above ASCII is greater than all of it, and what comes after it says nothing.
      if (unit >= 1 << asciiBits) {
        const rest = skipped + asciiLength - i;
        return (key + 1) * 2 ** (asciiBits * rest) - 1;
      }
      key = key * (1 << asciiBits) + unit;
    }
    return key;
  };
}

/** How many characters all texts begin with alike. */
function commonPrefix(texts: readonly string[]): number {
  const first = texts[0] ?? '';
  let { length } = first;
  for (const text of texts) {
    let same = 0;
    while (same < length && text.charCodeAt(same) === first.charCodeAt(same)) same++;
    length = same;
  }
  return length;
}
