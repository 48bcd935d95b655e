/**
 * Worlds in which the oracle answers as SpiceDB does in the world that is given: one function for
 * each way in which SpiceDB's answers are known to differ. What the oracle says there is exactly
 * what SpiceDB has to say.
 */
import type { JsonObject } from '../../src/base/json.ts';
import {
  expressions,
  type PlainCondition,
  type PlainModel,
  type PlainRestriction,
  type PlainTuple,
  type Question,
  typeOf,
} from '../oracle/facts.ts';
import type { Setting, World } from '../oracle/world.ts';
import { restrictionsOf } from './schema.ts';

export type View = (world: World, setting: number, question: Question) => World;

/** A parameter that cannot change what its condition says need not be given. */
export const decidedEarly: View = (world, setting) => {
  const model = world.models[0] as PlainModel;
  const { context } = world.settings[setting] as Setting;
  return withTuples(world, (tuple) => withIrrelevant(model, tuple, context));
};

function withIrrelevant(model: PlainModel, tuple: PlainTuple, context: JsonObject): PlainTuple {
  const { condition } = tuple;
  if (condition === undefined) return tuple;
  const declared = model.conditions?.[condition.name] as PlainCondition;
  const given = { ...context, ...condition.context };
  const missing = Object.keys(declared.parameters).filter((name) => !Object.hasOwn(given, name));
  const areBools = missing.every(
    (name) => declared.parameters[name]?.type_name === 'TYPE_NAME_BOOL',
  );
  const holds = expressions[declared.expression];
  if (missing.length === 0 || !areBools || holds === undefined) return tuple;
  const filled = (value: boolean) => Object.fromEntries(missing.map((name) => [name, value]));
  // The only expression over truth values rises with each of them: the extremes tell of all others.
  if (holds({ ...given, ...filled(true) }) !== holds({ ...given, ...filled(false) })) return tuple;
  const full = { ...condition.context, ...filled(false) };
  return { ...tuple, condition: { ...condition, context: full } };
}

/**
 * A check asks for the subject's own relationship and its wildcard's in one query. It leaves out
 * those with a caveat where it counts as many kinds of subject without a caveat as it asks for; but
 * it counts usersets of the type among them, which it does not ask for. (A userset that is left out
 * is found by the next query.)
 */
export const caveatedLeftOut: View = (world, _, { subject }) => {
  const model = world.models[0] as PlainModel;
  const type = typeOf(subject);
  const asked = (restriction: PlainRestriction) =>
    restriction.wildcard !== undefined || restriction.relation === subject.split('#')[1];
  const isLeftOut = ({ object, relation, subject: own, condition }: PlainTuple) => {
    if (condition === undefined) return false;
    if (own !== `${type}:*` && (own !== subject || subject.includes('#'))) return false;
    const ofType = restrictionsOf(model, typeOf(object), relation).filter(
      (restriction) => restriction.type === type,
    );
    const free = ofType.filter((restriction) => restriction.condition === undefined);
    return free.length === ofType.filter(asked).length;
  };
  return { ...world, stored: world.stored.filter(({ tuple }) => !isLeftOut(tuple)) };
};

/** A wildcard holds for the usersets of its type too: it stands beside a tuple for the one asked about. */
export const wildcardsHoldUsersets: View = (world, _, { subject }) => {
  if (!subject.includes('#')) return world;
  const type = typeOf(subject);
  const relation = subject.split('#')[1] as string;
  const [model] = world.models as [PlainModel];
  const opened = withRestrictions(model, (restrictions) => [
    ...restrictions,
    ...restrictions
      .filter((restriction) => restriction.wildcard && restriction.type === type)
      .map(({ wildcard: _wildcard, ...restriction }) => ({ ...restriction, relation })),
  ]);
  const added = world.stored
    .filter(({ tuple }) => tuple.subject === `${type}:*`)
    .map(({ tuple }) => ({ ...tuple, subject }));
  const settings = world.settings.map((setting) => ({
    ...setting,
    // Beside the stored tuple of the same key, if there is one: the oracle counts both.
    contextual: [...setting.contextual, ...added],
  }));
  return { ...world, models: [opened], settings };
};

function withTuples(world: World, change: (tuple: PlainTuple) => PlainTuple): World {
  const stored = world.stored.map((entry) => ({ ...entry, tuple: change(entry.tuple) }));
  const settings = world.settings.map((setting) => ({
    ...setting,
    contextual: setting.contextual.map(change),
  }));
  return { ...world, stored, settings };
}

function withRestrictions(
  model: PlainModel,
  change: (restrictions: readonly PlainRestriction[]) => readonly PlainRestriction[],
): PlainModel {
  const type_definitions = model.type_definitions.map((definition) => ({
    ...definition,
    metadata: {
      relations: Object.fromEntries(
        Object.entries(definition.metadata?.relations ?? {}).map(([name, relation]) => [
          name,
          { directly_related_user_types: change(relation.directly_related_user_types ?? []) },
        ]),
      ),
    },
  }));
  return { ...model, type_definitions };
}
