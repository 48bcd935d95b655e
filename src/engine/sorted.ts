/**
 * Sorts texts in slices: a long list must not keep others waiting. A merge sort over integers and
 * doubles, as most comparisons need no more of a text than fits into one. It begins with the runs
 * that are in order already: ids are often about in the order in which a store met them.
 */
import { compareBytes } from '../base/bytes.ts';
import type { Steps } from './steps.ts';
import type { Pauses } from './subject-set.ts';

/** Places of texts, beside the keys of the texts. */
interface Places {
  readonly places: Int32Array;
  readonly keys: Float64Array;
}

/** Texts, and how many characters all of them begin with alike. */
interface Texts {
  readonly texts: readonly string[];
  readonly common: number;
}

/** So many texts are looked at at a time. */
const atOnce = 2_048;

/** The places of the texts in the order of their bytes. Yields where it may be interrupted. */
export function* sorted(texts: readonly string[], steps: Steps): Pauses<Int32Array> {
  const { length } = texts;
  let prefix = texts[0] ?? '';
  for (let start = 0; start < length; start += atOnce) {
    prefix = commonPrefix(prefix, texts, start);
    if (steps.take(Math.min(atOnce, length))) yield undefined;
  }
  const all = { texts, common: prefix.length };
  let from = roomFor(length);
  let starts: number[] = [];
  for (let start = 0; start < length; start += atOnce) {
    readKeys(all, from, start);
    addRuns(all, from, start, starts);
    if (steps.take(Math.min(atOnce, length))) yield undefined;
  }
  let to = starts.length > 1 ? roomFor(length) : from;
  while (starts.length > 1) {
    const merged: number[] = [];
    for (let run = 0; run < starts.length; run += 2) {
      const start = starts[run] as number;
      const middle = starts[run + 1] ?? length;
      const end = starts[run + 2] ?? length;
      merged.push(start);
      const merging = { at: start, left: start, right: middle, middle, end };
      do {
        const before = merging.at;
        merge(all, from, to, merging);
        if (steps.take(merging.at - before)) yield undefined;
      } while (merging.at < end);
    }
    starts = merged;
    [from, to] = [to, from];
  }
  return from.places;
}

function roomFor(length: number): Places {
  return { places: new Int32Array(length), keys: new Float64Array(length) };
}

/** What of the prefix some more of the texts begin with. */
function commonPrefix(prefix: string, texts: readonly string[], start: number): string {
  const end = Math.min(start + atOnce, texts.length);
  let common = prefix;
  for (let place = start; place < end; place++) {
    const text = texts[place] as string;
    if (text.startsWith(common)) continue;
    let same = 0;
    while (text.charCodeAt(same) === common.charCodeAt(same)) same++;
    common = common.slice(0, same);
  }
  return common;
}

const asciiBits = 7;
/** As many characters as fit into a double exactly. */
const asciiLength = 7;
/** As many of them as fit into an integer; the others come after. */
const highLength = 4;
const lowSize = 2 ** (asciiBits * (asciiLength - highLength));

/** ENSURES: where one key is less than another, so is its text. */
function readKeys({ texts, common }: Texts, { places, keys }: Places, start: number): void {
  const end = Math.min(start + atOnce, texts.length);
  for (let place = start; place < end; place++) {
    places[place] = place;
    keys[place] = keyOf(texts[place] as string, common);
  }
}

function keyOf(text: string, common: number): number {
  const { length } = text;
  let high = 0;
  let low = 0;
  for (let i = 0; i < asciiLength; i++) {
    const at = common + i;
    const unit = at < length ? text.charCodeAt(at) : 0;
    if (unit >= 1 << asciiBits) return keyAbove(text, common, at);
    if (i < highLength) high = (high << asciiBits) | unit;
    else low = (low << asciiBits) | unit;
  }
  return high * lowSize + low;
}

/** Whatever is above ASCII is greater than all of it, and what comes after it says nothing. */
function keyAbove(text: string, common: number, at: number): number {
  const before = keyOf(text.slice(common, at), 0);
  return before + 2 ** (asciiBits * (common + asciiLength - at)) - 1;
}

/** Where the runs begin that are in order already. */
function addRuns(all: Texts, from: Places, start: number, starts: number[]): void {
  const end = Math.min(start + atOnce, all.texts.length);
  for (let at = start; at < end; at++) {
    if (at === 0 || isAfter(all, from, at - 1, at)) starts.push(at);
  }
}

interface Merging {
  /** The next of the merged ones, and of those that are merged. */
  at: number;
  left: number;
  right: number;
  readonly middle: number;
  readonly end: number;
}

/** Some more of two runs, the left one first where texts are the same. */
function merge(all: Texts, from: Places, to: Places, merging: Merging): void {
  const { middle, end } = merging;
  let { at, left, right } = merging;
  const until = Math.min(end, at + atOnce);
  for (; at < until; at++) {
    const takesRight = left === middle || (right < end && isAfter(all, from, left, right));
    const next = takesRight ? right++ : left++;
    to.places[at] = from.places[next] as number;
    to.keys[at] = from.keys[next] as number;
  }
  merging.at = at;
  merging.left = left;
  merging.right = right;
}

function isAfter(all: Texts, { places, keys }: Places, left: number, right: number): boolean {
  const a = keys[left] as number;
  const b = keys[right] as number;
  if (a !== b) return a > b;
  const { texts } = all;
  return (
    compareBytes(
      texts[places[left] as number] as string,
      texts[places[right] as number] as string,
    ) > 0
  );
}
