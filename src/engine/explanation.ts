/** What `explain` is asked, and the answer of a check with its reason as it gives it. */
import type { JsonObject } from '../base/json.ts';
import type { ObjectRef, Tuple } from '../model/tuple.ts';
import type { CheckRequest } from './check.ts';

export interface ExplainRequest extends CheckRequest {
  readonly object: ObjectRef;
  /** REQUIRES: the model has it on the object's type. */
  readonly relation: string;
  /** `limits.explainNodesMax` unless given. */
  readonly nodesMax?: number;
}

export type Truth = 'true' | 'false' | 'undefined' | 'unknown';

export interface Explanation {
  /** `conditional`: it hangs on parameters of conditions that nobody gave. */
  readonly outcome: 'allowed' | 'denied' | 'conditional';
  /** The parameters that the tree found missing, sorted. */
  readonly missing: readonly string[];
  readonly tree: ExplainNode;
  readonly truncated: boolean;
  /** Sets of tuples, smallest first; each makes a denied check allowed. */
  readonly wouldAllow: readonly (readonly Tuple[])[];
}

export type Operator =
  | 'direct'
  | 'userset'
  | 'computed'
  | 'from'
  | 'union'
  | 'intersection'
  | 'exclusion';

/**
 * Why the reason does not go on below a node: its question is asked again below itself, or is
 * explained elsewhere in the tree; the tree is full; the model lets no tuples at all give the
 * relation to the subject; the question is the subject itself.
 */
export type End = 'cycle' | 'repeated' | 'truncated' | 'impossible' | 'subject';

/**
 * A *question* (the root, the child of a computed and of a userset) has the operator of its rewrite;
 * every other node is a part of the rewrite of the question above it.
 */
export interface ExplainNode {
  readonly object: ObjectRef;
  readonly relation: string;
  readonly operator: Operator;
  readonly value: Truth;
  readonly tuples: readonly UsedTuple[];
  readonly children: readonly ExplainNode[];
  readonly end: End | undefined;
  /** Of a `from`, the relation whose tuples lead on. */
  readonly tupleset: string | undefined;
}

export interface UsedTuple {
  readonly tuple: Tuple;
  readonly value: Truth;
  readonly contextual: boolean;
  /** Values of the condition's parameters, the tuple's own and the request's. */
  readonly parameters: JsonObject;
  readonly missing: readonly string[];
  /** Why the condition could not be computed, where nothing is missing. */
  readonly error: string | undefined;
}
