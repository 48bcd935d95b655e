/** Objects that a list has found. Who wants but some of them, or no texts, pays for no more. */
import { takeTexts } from '../storage/text-bytes.ts';
import type { TakeTexts, TupleReader } from '../storage/tuple-reader.ts';
import { stranger } from './facts.ts';
import { idsOf } from './ids.ts';

/** Good until the list goes on, and no longer than its reader. */
export interface FoundObjects {
  readonly count: number;
  /** The ids of the first so many. */
  ids(most: number): readonly string[];
  /** The same in UTF-8, one after the other. */
  takeIds(most: number, take: TakeTexts): void;
}

/** `own` is the id of the request's subject, which no tuple need name. */
export function foundEntities(
  reader: TupleReader,
  entities: readonly number[],
  own: string,
): FoundObjects {
  const first = (most: number) => (most < entities.length ? entities.slice(0, most) : entities);
  return {
    count: entities.length,
    ids: (most) => idsOf(reader, first(most), own),
    takeIds(most, take) {
      const some = first(most);
      if (reader.takeIds !== undefined && !some.includes(stranger)) reader.takeIds(some, take);
      else takeTexts(idsOf(reader, some, own), take);
    },
  };
}

export function foundIds(ids: readonly string[]): FoundObjects {
  return {
    count: ids.length,
    ids: (most) => ids.slice(0, most),
    takeIds: (most, take) => takeTexts(ids.slice(0, most), take),
  };
}
