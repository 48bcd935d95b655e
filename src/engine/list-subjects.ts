/** The subjects of one kind that have a relation to an object, as the wire lists them. */
import { assert } from '../base/assert.ts';
import type { JsonObject } from '../base/json.ts';
import { limits } from '../base/limits.ts';
import type { CompiledModel } from '../model/compiled.ts';
import { type ObjectRef, type SubjectRef, type Tuple, wildcardId } from '../model/tuple.ts';
import type { TupleReader } from '../storage/tuple-reader.ts';
import { Facts, stranger } from './facts.ts';
import { overlay } from './overlay.ts';
import { Steps } from './steps.ts';
import { SubjectSolution } from './subject-solution.ts';
import { SubjectSystem } from './subject-system.ts';

export interface ListSubjectsRequest {
  readonly object: ObjectRef;
  readonly relation: string;
  /** The kind of subject: objects and the wildcard of a type, or the usersets of a relation. */
  readonly subject: { readonly type: string; readonly relation: string };
  readonly contextualTuples: readonly Tuple[];
  readonly context: JsonObject;
  /** Milliseconds since 1970: tuples that expire by then do not count. */
  readonly now: number;
  /** Usersets in a row that are followed; `limits.checkDepthMax` unless given. */
  readonly depthMax?: number;
  /** Steps between two pauses; `limits.listSliceSteps` unless given. */
  readonly sliceSteps?: number;
}

/**
 * Yields each subject once, in an order that the same tuples give again, and undefined where it may
 * be interrupted. With a wildcard among them, others are listed too if tuples name them. Throws a
 * `Refusal` for a tuple on the way whose condition cannot be told; what was yielded stands.
 *
 * REQUIRES: the model has the relation on the object's type, and the kind of subject; the reader
 * stays at its revision.
 */
export function* listSubjects(
  reader: TupleReader,
  model: CompiledModel,
  request: ListSubjectsRequest,
): Generator<SubjectRef | undefined, void, void> {
  const { object, subject, context, now } = request;
  const depthMax = request.depthMax ?? limits.checkDepthMax;
  const relation = model.relationIndex(object.type, request.relation);
  assert(relation !== -1, 'the caller made sure that the model has the relation');
  const facts = new Facts(overlay(reader, model, request.contextualTuples), model, {
    // Stands for all of its kind.
    subject: { ...subject, id: wildcardId },
    context,
    now,
    depthMax,
    stepsMax: limits.checkStepsMax,
  });
  if (!facts.canReach(relation)) return;
  const steps = new Steps(request.sliceSteps);
  const system = new SubjectSystem(facts, steps, { depthMax, doubts: 'refuse' });
  const root = facts.reader.entity(model.typeSymbol(object.type), object.id) || stranger;
  const refOf = (entity: number): SubjectRef => {
    const { type, id } = entity === stranger ? object : facts.reader.entityRef(entity);
    return { type, id, relation: subject.relation };
  };
  for (const entity of system.read(root, [relation])) {
    yield entity === undefined ? undefined : refOf(entity);
  }
  const solution = new SubjectSolution(system, steps, { doubtsHold: false });
  yield* solution.solve();
  const answer = yield* solution.answer(0);
  const { yielded } = system;
  const wildcard = facts.wildcardEntity();
  if (answer.rest && !yielded.has(wildcard)) yield refOf(wildcard);
  for (const [entity, isIn] of answer.named) {
    if (isIn && !yielded.has(entity)) yield refOf(entity);
    if (steps.take()) yield undefined;
  }
}
