/** Conditions: CEL expressions over typed parameters, compiled once per model. */
import type { JsonObject } from '../base/json.ts';
import type { ConditionDefinition } from './model.ts';

/**
 * `missing` names the declared parameters that neither the tuple nor the request gave; `failed`
 * says why an evaluation could not be finished (a value of the wrong type, a CEL error, the cost).
 */
export type ConditionOutcome =
  | { readonly kind: 'met' }
  | { readonly kind: 'unmet' }
  | { readonly kind: 'missing'; readonly parameters: readonly string[] }
  | { readonly kind: 'failed'; readonly reason: string };

export interface CompiledCondition {
  readonly definition: ConditionDefinition;
  /** The tuple's values win over the request's; unknown keys of the request are ignored. */
  evaluate(tupleContext: JsonObject, requestContext: JsonObject): ConditionOutcome;
  /** Why a context may not be stored with a tuple (unknown or ill-typed parameter); undefined if it may. */
  faultOfTupleContext(context: JsonObject): string | undefined;
}
