/** The objects of one type to which a subject has a relation, as the wire lists them. */
import { assert } from '../base/assert.ts';
import type { JsonObject } from '../base/json.ts';
import { limits } from '../base/limits.ts';
import type { CompiledModel } from '../model/compiled.ts';
import type { SubjectRef, Tuple } from '../model/tuple.ts';
import type { TupleReader } from '../storage/tuple-reader.ts';
import { BackwardWalk } from './backward-walk.ts';
import { Facts } from './facts.ts';
import { type FoundObjects, foundEntities } from './found-objects.ts';
import { overlay } from './overlay.ts';
import { type Interrupt, Steps } from './steps.ts';
import { DepthFirstWalk } from './walk.ts';

export interface ListObjectsRequest {
  readonly type: string;
  readonly relation: string;
  readonly subject: SubjectRef;
  readonly contextualTuples: readonly Tuple[];
  readonly context: JsonObject;
  /** Milliseconds since 1970: tuples that expire by then do not count. */
  readonly now: number;
  /** Usersets in a row between the subject and an object; `limits.checkDepthMax` unless given. */
  readonly depthMax?: number;
  /** What one check of a candidate may visit; `limits.checkStepsMax` unless given. */
  readonly stepsMax?: number;
  /** Steps between two pauses; `limits.listSliceSteps` unless given. */
  readonly sliceSteps?: number;
  /** For the check of one candidate, which is done in one go. */
  readonly interrupt?: Interrupt | undefined;
}

/** The ids of what `findObjects` finds. */
export function* listObjects(
  ...asked: Parameters<typeof findObjects>
): Generator<readonly string[], void, void> {
  for (const found of findObjects(...asked)) yield found.ids(found.count);
}

/**
 * Yields what was found since the last time, maybe nothing, wherever it may be interrupted:
 * each object once, nearest first and then in the order in which the store met them, so that the
 * same tuples give the same list. Throws a `Refusal` for the first tuple or candidate that cannot be
 * told; what was found before it was yielded, and stands.
 *
 * REQUIRES: the model has the relation on the type; the reader stays at its revision.
 */
export function* findObjects(
  reader: TupleReader,
  model: CompiledModel,
  request: ListObjectsRequest,
): Generator<FoundObjects, void, void> {
  const { subject, context, now } = request;
  const depthMax = request.depthMax ?? limits.checkDepthMax;
  const goal = model.relationIndex(request.type, request.relation);
  assert(goal !== -1, 'the caller made sure that the model has the relation');
  const facts = new Facts(overlay(reader, model, request.contextualTuples), model, {
    subject,
    context,
    now,
    depthMax,
    stepsMax: request.stepsMax ?? limits.checkStepsMax,
    interrupt: request.interrupt,
  });
  if (!facts.canReach(goal)) return;
  let found: number[] = [];
  const taken = () => {
    const entities = found;
    found = [];
    return foundEntities(facts.reader, entities, subject.id);
  };
  const walk = new BackwardWalk(
    new DepthFirstWalk(facts, depthMax),
    new Steps(request.sliceSteps, facts),
    { goals: [goal], doubts: 'refuse', arrive: (object) => found.push(object) },
  );
  try {
    for (const _ of walk.run()) yield taken();
  } catch (error) {
    yield taken();
    throw error;
  }
  yield taken();
}
