/**
 * What the oracle is told: a model, tuples and context as plain data, in the wire's JSON form; and
 * its own reading of them: which tuples count, and whether their conditions are met.
 */
import type { JsonObject, JsonValue } from '../../src/base/json.ts';

export interface PlainTuple {
  readonly object: string;
  readonly relation: string;
  readonly subject: string;
  readonly condition?: { readonly name: string; readonly context: JsonObject };
}

export interface Question {
  readonly object: string;
  readonly relation: string;
  readonly subject: string;
}

export type Outcome = 'allowed' | 'denied' | 'error';

/** A model in the wire's JSON form, of which the oracle reads what follows. */
export interface PlainModel {
  readonly schema_version: string;
  readonly type_definitions: readonly {
    readonly type: string;
    readonly relations?: Readonly<Record<string, PlainRewrite>>;
    readonly metadata?: {
      readonly relations: Readonly<
        Record<string, { readonly directly_related_user_types?: readonly PlainRestriction[] }>
      >;
    } | null;
  }[];
  readonly conditions?: Readonly<Record<string, PlainCondition>>;
}
export interface PlainRestriction {
  readonly type: string;
  readonly relation?: string;
  readonly wildcard?: object;
  readonly condition?: string;
}
export interface PlainCondition {
  readonly name: string;
  readonly expression: string;
  readonly parameters: Readonly<
    Record<string, { readonly type_name: string; readonly generic_types?: readonly object[] }>
  >;
}
export type PlainRewrite =
  | { readonly this: object }
  | { readonly computedUserset: { readonly relation: string } }
  | {
      readonly tupleToUserset: {
        readonly tupleset: { readonly relation: string };
        readonly computedUserset: { readonly relation: string };
      };
    }
  | { readonly union: { readonly child: readonly PlainRewrite[] } }
  | { readonly intersection: { readonly child: readonly PlainRewrite[] } }
  | { readonly difference: { readonly base: PlainRewrite; readonly subtract: PlainRewrite } };

export interface Facts {
  readonly model: PlainModel;
  readonly stored: readonly PlainTuple[];
  readonly contextual: readonly PlainTuple[];
  readonly context: JsonObject;
  /** As Expand has it: every condition is taken for met. */
  readonly unguarded?: boolean;
}

/** A tuple that counts, with what its condition comes to. */
export interface Weighed {
  readonly tuple: PlainTuple;
  readonly guard: Guard;
  readonly contextual: boolean;
}

/** The conditions that generated worlds use, by their expression: the oracle reads no CEL. */
export const expressions: Readonly<Record<string, (given: JsonObject) => boolean>> = {
  'x == 1': ({ x }) => Number(x) === 1,
  'x != 1': ({ x }) => Number(x) !== 1,
  'a < b': ({ a, b }) => Number(a) < Number(b),
  'name in names': ({ name, names }) => (names as JsonValue[]).includes(name as JsonValue),
  'p || q': ({ p, q }) => p === true || q === true,
  true: () => true,
};

/** `open`: what the condition says depends on context that nobody gave, or that is ill-typed. */
export type Guard = true | false | 'open';

/** Whether a tuple counts under the model; the same rule decides whether it may be written. */
export function counts(model: PlainModel, tuple: PlainTuple): boolean {
  const definition = model.type_definitions.find(({ type }) => type === typeOf(tuple.object));
  if (definition === undefined) return false;
  const restrictions =
    definition.metadata?.relations[tuple.relation]?.directly_related_user_types ?? [];
  const shaped = restrictions.filter((restriction) => sameShape(restriction, tuple.subject));
  if (shaped.length === 0) return false;
  const { condition } = tuple;
  if (condition === undefined) return shaped.some((restriction) => !restriction.condition);
  const declared = model.conditions?.[condition.name];
  return (
    declared !== undefined &&
    restrictions.some(
      (restriction) =>
        restriction.type === typeOf(tuple.subject) && restriction.condition === condition.name,
    ) &&
    Object.entries(condition.context).every(([key, value]) => fits(declared, key, value))
  );
}

function sameShape(restriction: PlainRestriction, subject: string): boolean {
  if (restriction.type !== typeOf(subject)) return false;
  if (restriction.wildcard) return subject === `${restriction.type}:*`;
  if (subject.endsWith(':*')) return false;
  return (restriction.relation ?? '') === (subject.split('#')[1] ?? '');
}

export function guardOf(model: PlainModel, tuple: PlainTuple, context: JsonObject): Guard {
  if (tuple.condition === undefined) return true;
  const declared = model.conditions?.[tuple.condition.name] as PlainCondition;
  const given = { ...context, ...tuple.condition.context };
  const names = Object.keys(declared.parameters);
  if (names.length === 0 && Object.keys(given).length > 0) return 'open';
  for (const name of names) {
    if (!Object.hasOwn(given, name) || !fits(declared, name, given[name] as JsonValue)) {
      return 'open';
    }
  }
  const holds = expressions[declared.expression];
  if (holds === undefined) throw new Error(`the oracle has no ${declared.expression}`);
  return holds(given);
}

/** The counting tuples of one relation of one object, contextual ones first. */
export function weigh(facts: Facts, object: string, relation: string): Weighed[] {
  const { model, stored, contextual, context, unguarded = false } = facts;
  return [...contextual, ...stored].flatMap((tuple, index) => {
    if (tuple.object !== object || tuple.relation !== relation || !counts(model, tuple)) return [];
    const guard = unguarded || guardOf(model, tuple, context);
    return [{ tuple, guard, contextual: index < contextual.length }];
  });
}

function fits(condition: PlainCondition, parameter: string, value: JsonValue): boolean {
  if (!Object.hasOwn(condition.parameters, parameter)) return false;
  const type = condition.parameters[parameter]?.type_name;
  if (type === 'TYPE_NAME_BOOL') return typeof value === 'boolean';
  if (type === 'TYPE_NAME_STRING') return typeof value === 'string';
  if (type === 'TYPE_NAME_LIST') {
    return Array.isArray(value) && value.every((item) => typeof item === 'string');
  }
  if (typeof value === 'string') return /^-?\d+$/.test(value);
  return Number.isInteger(value);
}

export function relationsOf(
  model: PlainModel,
  type: string,
): Readonly<Record<string, PlainRewrite>> {
  return model.type_definitions.find((definition) => definition.type === type)?.relations ?? {};
}

export function typeOf(reference: string): string {
  return reference.slice(0, reference.indexOf(':'));
}
