/** The door of the engine: from a request's words to a walk over integers. */
import { assert } from '../base/assert.ts';
import type { JsonObject } from '../base/json.ts';
import type { CompiledModel } from '../model/compiled.ts';
import type { ObjectRef, SubjectRef, Tuple } from '../model/tuple.ts';
import type { TupleReader } from '../storage/tuple-reader.ts';
import { Facts } from './facts.ts';
import { overlay } from './overlay.ts';
import type { Interrupt } from './steps.ts';
import type { Verdict } from './verdict.ts';
import { DepthFirstWalk } from './walk.ts';

export interface CheckRequest {
  readonly subject: SubjectRef;
  readonly contextualTuples: readonly Tuple[];
  readonly context: JsonObject;
  /** Milliseconds since 1970: tuples that expire by then do not count. */
  readonly now: number;
  /**
   * Usersets in a row that a check may follow; `limits.checkDepthMax` unless given. Any number is
   * safe: what nests deeper than `limits.checkNestingMax` is refused before the stack is full.
   */
  readonly depthMax?: number;
  /** Questions and tuples that one check may visit; `limits.checkStepsMax` unless given. */
  readonly stepsMax?: number;
  readonly interrupt?: Interrupt | undefined;
}

/** Answers any number of checks of one subject, and remembers what they have in common. */
export interface Walk {
  /**
   * Throws what `interrupt` throws: a check that was broken off has no verdict.
   * REQUIRES: the model has the relation on the object's type.
   */
  check(object: ObjectRef, relation: string): Verdict;
  /** The same for the relation's index. REQUIRES: as above. */
  checkIndex(object: ObjectRef, relation: number): Verdict;
}

/** REQUIRES: the reader stays at its revision for as long as the walk is used. */
export function createWalk(reader: TupleReader, model: CompiledModel, request: CheckRequest): Walk {
  const facts = new Facts(overlay(reader, model, request.contextualTuples), model, request);
  assert(facts.depthMax > 0 && facts.stepsMax > 0, 'a check may take a step');
  return new DepthFirstWalk(facts, facts.depthMax);
}
