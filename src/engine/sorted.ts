/** Sorts in slices: a long list must not keep others waiting. */
import type { Steps } from './steps.ts';

/** The items in order, by merging ever longer runs. Yields where it may be interrupted. */
export function* sorted<Item>(
  items: readonly Item[],
  compare: (a: Item, b: Item) => number,
  steps: Steps,
): Generator<undefined, readonly Item[], void> {
  let from = [...items];
  for (let width = 1; width < from.length; width *= 2) {
    const to: Item[] = [];
    for (let start = 0; start < from.length; start += 2 * width) {
      const middle = Math.min(start + width, from.length);
      const end = Math.min(start + 2 * width, from.length);
      let left = start;
      let right = middle;
      while (left < middle || right < end) {
        if (steps.take()) yield undefined;
        const takesLeft =
          right === end || (left < middle && compare(from[left] as Item, from[right] as Item) <= 0);
        to.push(from[takesLeft ? left++ : right++] as Item);
      }
    }
    from = to;
  }
  return from;
}
