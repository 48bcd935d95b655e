/** The subjects of one kind that have a relation to an object, as the wire lists them. */
import { assert } from '../base/assert.ts';
import type { JsonObject } from '../base/json.ts';
import { limits } from '../base/limits.ts';
import type { CompiledModel } from '../model/compiled.ts';
import { type ObjectRef, type SubjectRef, type Tuple, wildcardId } from '../model/tuple.ts';
import type { TupleReader } from '../storage/tuple-reader.ts';
import { Facts, stranger } from './facts.ts';
import { idsOf } from './ids.ts';
import { overlay } from './overlay.ts';
import { inPieces, Steps } from './steps.ts';
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
 * Yields the subjects that were found since the last time, maybe none, wherever it may be
 * interrupted: each once, in an order that the same tuples give again. With a wildcard among them,
 * others are listed too if tuples name them. Throws a `Refusal` for a tuple on the way whose
 * condition cannot be told; what was found before it was yielded, and stands.
 *
 * REQUIRES: the model has the relation on the object's type, and the kind of subject; the reader
 * stays at its revision.
 */
export function* listSubjects(
  reader: TupleReader,
  model: CompiledModel,
  request: ListSubjectsRequest,
): Generator<readonly SubjectRef[], void, void> {
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
  let found: number[] = [];
  const refs = (): readonly SubjectRef[] => {
    const { type, relation } = subject;
    const ids = idsOf(facts.reader, found, object.id);
    found = [];
    return ids.map((id) => ({ type, id, relation }));
  };
  const steps = new Steps(request.sliceSteps);
  const limit = { depthMax, doubts: 'refuse' } as const;
  const system = new SubjectSystem(facts, steps, limit, (entity) => found.push(entity));
  const root = facts.reader.entity(model.typeSymbol(object.type), object.id) || stranger;
  try {
    for (const _ of system.read(root, [relation])) yield refs();
  } catch (error) {
    yield refs();
    throw error;
  }
  // Along unions alone everybody was certain at once.
  if (system.operators.length === 0 && !system.doubtful) {
    yield refs();
    return;
  }
  yield refs();
  const solution = new SubjectSolution(system, steps, { doubtsHold: false });
  yield* inPieces(solution.solve());
  const answer = yield* inPieces(solution.answer(0));
  const { met } = system;
  const wildcard = facts.wildcardEntity();
  if (answer.rest && !met.has(wildcard)) found.push(wildcard);
  const { named } = answer;
  for (const [place, entity] of named.entities.entries()) {
    if (named.at(place) && !met.has(entity)) found.push(entity);
    if (steps.take()) yield refs();
  }
  yield refs();
}
