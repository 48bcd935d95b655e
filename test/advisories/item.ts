/** A question of an advisory with its answer, and tuples as the wire has them. */
import type { JsonObject } from '@bufbuild/protobuf';
import type { TupleText } from '../engine/world.ts';
import { tupleKey } from '../service/harness.ts';

/** `object#relation@subject` and what is known besides. */
export interface Item {
  readonly check: string;
  readonly context?: JsonObject;
  readonly contextual?: readonly TupleText[];
  /** A code where it is an error. */
  readonly expected: string;
  /**
   * What ListObjects answers where it is something else: the wire's list fails as a whole on the
   * first tuple or candidate on its way that cannot be told.
   */
  readonly listed?: string;
}

export function wireTuple(text: TupleText): JsonObject {
  if (typeof text === 'string') return tupleKey(text);
  const [key, name, context = {}] = text;
  return { ...tupleKey(key), condition: { name, context: context as JsonObject } };
}
