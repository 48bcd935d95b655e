/** The ids of what a list has found. */
import type { TupleReader } from '../storage/tuple-reader.ts';
import { stranger } from './facts.ts';
import type { Steps } from './steps.ts';
import type { Pauses } from './subject-set.ts';

const idsPerStep = 1_024;

/** In their order; `own` is that of the request's object or subject, which no tuple need name. */
export function idsOf(reader: TupleReader, entities: readonly number[], own: string): string[] {
  const at = entities.indexOf(stranger);
  if (at === -1) return reader.idsOf(entities);
  const named = entities.toSpliced(at, 1);
  // Each entity is found once.
  return reader.idsOf(named).toSpliced(at, 0, own);
}

/** Yields where it may be interrupted. */
export function* allIdsOf(
  reader: TupleReader,
  entities: readonly number[],
  own: string,
  steps: Steps,
): Pauses<readonly string[]> {
  if (entities.length <= idsPerStep) return idsOf(reader, entities, own);
  const ids: string[] = [];
  for (let from = 0; from < entities.length; from += idsPerStep) {
    for (const id of idsOf(reader, entities.slice(from, from + idsPerStep), own)) ids.push(id);
    if (steps.take(idsPerStep)) yield undefined;
  }
  return ids;
}
