/** An explanation with its objects, subjects and tuples as texts. */
import type { JsonObject } from '../base/json.ts';
import type { End, ExplainNode, Explanation, Operator, Truth } from '../engine/explanation.ts';
import { formatObject } from '../model/tuple.ts';
import { type TupleText, textOfTuple } from './texts.ts';

export interface Explained {
  /** `conditional`: it hangs on parameters of conditions that nobody gave. */
  readonly outcome: Explanation['outcome'];
  /** The parameters that the tree found missing, sorted. */
  readonly missing: readonly string[];
  readonly tree: ExplainedNode;
  /** Whether a part of the tree was left out; the nodes concerned have the end `truncated`. */
  readonly truncated: boolean;
  /** A few of the smallest sets of tuples, each of which makes a denied check allowed. */
  readonly wouldAllow: readonly (readonly TupleText[])[];
}

/**
 * One step of the reason. A question (the root, the child of a `computed` and of a `userset`) has
 * the operator of its rewrite; any other node is a part of the rewrite of the question above it.
 */
export interface ExplainedNode {
  readonly object: string;
  readonly relation: string;
  readonly operator: Operator;
  readonly value: Truth;
  readonly tuples: readonly ExplainedTuple[];
  readonly children: readonly ExplainedNode[];
  /** Why the reason does not go on below this node. */
  readonly end: End | undefined;
  /** Of a `from`, the relation whose tuples lead on. */
  readonly tupleset: string | undefined;
}

export interface ExplainedTuple {
  readonly tuple: TupleText;
  readonly value: Truth;
  /** Whether it came with the question. */
  readonly contextual: boolean;
  /** Values of the condition's parameters, the tuple's own and the question's. */
  readonly parameters: JsonObject;
  readonly missing: readonly string[];
  /** Why the condition could not be computed, where nothing is missing. */
  readonly error: string | undefined;
}

export function explainedOf(explanation: Explanation): Explained {
  return {
    ...explanation,
    tree: nodeOf(explanation.tree),
    wouldAllow: explanation.wouldAllow.map((tuples) => tuples.map(textOfTuple)),
  };
}

function nodeOf(node: ExplainNode): ExplainedNode {
  return {
    ...node,
    object: formatObject(node.object),
    tuples: node.tuples.map((used) => ({ ...used, tuple: textOfTuple(used.tuple) })),
    children: node.children.map(nodeOf),
  };
}
