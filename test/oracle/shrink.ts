/**
 * Makes a disagreement small: takes parts of the world away, one kind after the other, as long as
 * the last question is still answered differently; and prints what is left, ready to paste.
 */
import { stringify } from 'yaml';
import { apiOf } from './apis.ts';
import type { Asked } from './asked.ts';
import { Behind } from './behind.ts';
import type { Disagreement } from './compare.ts';
import { counts, type PlainModel, type PlainRewrite, type PlainTuple } from './facts.ts';
import { judge, oracleOwed } from './judge.ts';
import { compareByRule, ruleNamed } from './metamorphic.ts';
import type { Pemba } from './served-world.ts';
import { isLive, type Setting, type World } from './world.ts';

type Valid = (model: PlainModel) => boolean;

/** Every smaller case that is worth a try, the boldest cuts first. */
type Cut = (found: Disagreement) => Iterable<Disagreement>;

export function shrink(pemba: Pemba, found: Disagreement, valid: Valid): Promise<Disagreement> {
  return shrinkWhile(found, (smaller) => stillFails(pemba, smaller, valid));
}

/** `still` returns the smaller case as it now is, or undefined where it is no case any more. */
export async function shrinkWhile(
  found: Disagreement,
  still: (smaller: Disagreement) => Promise<Disagreement | undefined>,
): Promise<Disagreement> {
  let least = found;
  for (let shrunk = true; shrunk; ) {
    shrunk = false;
    for (const cut of cuts) {
      for (let again = true; again; ) {
        again = false;
        for (const smaller of cut(least)) {
          const failing = await still(smaller);
          if (failing === undefined) continue;
          least = failing;
          shrunk = again = true;
          break;
        }
      }
    }
  }
  return least;
}

/** The case with the answers that it has now; undefined where the two agree, or it cannot be asked. */
async function stillFails(
  pemba: Pemba,
  found: Disagreement,
  valid: Valid,
): Promise<Disagreement | undefined> {
  const { world, way, asked, rule } = found;
  const last = asked[asked.length - 1] as Asked;
  if (!world.models.every(valid) || !isWritable(world)) return undefined;
  try {
    if (rule !== undefined) {
      const trial = { rule: ruleNamed(rule.name), seed: rule.seed, way, asked: [last], valid };
      return (await compareByRule(pemba, world, trial))?.found[0];
    }
    const oracle = oracleOwed(way, world, world.settings[last.setting] as Setting);
    const expected = oracle.ask(last.subject).outcome(last.object, last.relation);
    const served = await pemba.serve(world);
    const got = (await apiOf(way).ask(served, asked)).at(-1);
    await pemba.drop(served);
    if (got === undefined || judge(new Behind(oracle), way, last, expected, got) !== 'disagree')
      return undefined;
    return { ...found, expected, got };
  } catch {
    // What is left asks about something that is gone.
    return undefined;
  }
}

function isWritable({ models, stored, settings }: World): boolean {
  const fits = (model: number, tuple: PlainTuple) => counts(models[model] as PlainModel, tuple);
  return (
    stored.every(({ model, tuple }) => fits(model, tuple)) &&
    settings.every(({ model, contextual }) => contextual.every((tuple) => fits(model, tuple)))
  );
}

const cuts: readonly Cut[] = [
  fewerQuestions,
  fewerSettings,
  oneModel,
  fewerTuples,
  noExpiry,
  fewerContextualTuples,
  fewerTypes,
  fewerRelations,
  simplerRewrites,
  fewerRestrictions,
  noConditions,
  lessContext,
];

function* fewerQuestions(found: Disagreement): Iterable<Disagreement> {
  const last = found.asked.slice(-1);
  if (found.way !== 'check') yield { ...found, way: 'check', asked: last };
  for (const rest of without(found.asked.slice(0, -1)))
    yield { ...found, asked: [...rest, ...last] };
}

function* fewerSettings(found: Disagreement): Iterable<Disagreement> {
  for (const index of found.world.settings.keys()) {
    if (found.asked.some(({ setting }) => setting === index)) continue;
    const settings = found.world.settings.toSpliced(index, 1);
    const asked = found.asked.map((question) =>
      question.setting > index ? { ...question, setting: question.setting - 1 } : question,
    );
    yield { ...withWorld(found, { settings }), asked };
  }
}

/** Only the model in use, where every tuple may stand under it. */
function* oneModel(found: Disagreement): Iterable<Disagreement> {
  const { world } = found;
  if (world.models.length === 1) return;
  for (const model of world.models) {
    const stored = world.stored
      .filter((entry) => isLive(entry) && counts(model, entry.tuple))
      .map((entry) => ({ ...entry, model: 0 }));
    const settings = world.settings.map((setting) => ({ ...setting, model: 0 }));
    yield withWorld(found, { models: [model], stored, settings });
  }
}

function* fewerTuples(found: Disagreement): Iterable<Disagreement> {
  for (const stored of without(found.world.stored)) yield withWorld(found, { stored });
}

function* noExpiry(found: Disagreement): Iterable<Disagreement> {
  for (const [position, entry] of found.world.stored.entries()) {
    const { expires, rewritten: _, ...plain } = entry;
    if (expires === undefined) continue;
    const simpler = isLive(entry) ? plain : { ...plain, deleted: true };
    yield withWorld(found, { stored: found.world.stored.with(position, simpler) });
  }
}

function* fewerContextualTuples(found: Disagreement): Iterable<Disagreement> {
  for (const [index, setting] of found.world.settings.entries()) {
    for (const contextual of without(setting.contextual)) {
      yield withSetting(found, index, { ...setting, contextual });
    }
  }
}

function* fewerTypes(found: Disagreement): Iterable<Disagreement> {
  for (const [index, model] of found.world.models.entries()) {
    for (const type_definitions of without(model.type_definitions)) {
      yield withModel(found, index, { ...model, type_definitions });
    }
  }
}

function* fewerRelations(found: Disagreement): Iterable<Disagreement> {
  for (const { index, model, type, relation } of relationsIn(found.world)) {
    yield withModel(
      found,
      index,
      changeRelation(model, type, relation, () => undefined),
    );
  }
}

function* simplerRewrites(found: Disagreement): Iterable<Disagreement> {
  for (const { index, model, type, relation, rewrite } of relationsIn(found.world)) {
    for (const simpler of simplerThan(rewrite)) {
      yield withModel(
        found,
        index,
        changeRelation(model, type, relation, () => simpler),
      );
    }
  }
}

function* fewerRestrictions(found: Disagreement): Iterable<Disagreement> {
  for (const { index, model, type, relation, restrictions } of relationsIn(found.world)) {
    for (const rest of without(restrictions)) {
      yield withModel(found, index, changeRestrictions(model, type, relation, rest));
    }
  }
}

function* noConditions(found: Disagreement): Iterable<Disagreement> {
  for (const [position, entry] of found.world.stored.entries()) {
    if (entry.tuple.condition === undefined) continue;
    const stored = found.world.stored.with(position, { ...entry, tuple: unguarded(entry.tuple) });
    yield withWorld(found, { stored });
  }
  for (const { index, model, type, relation, restrictions } of relationsIn(found.world)) {
    for (const [position, { condition, ...plain }] of restrictions.entries()) {
      if (condition === undefined) continue;
      const changed = restrictions.with(position, plain);
      yield withModel(found, index, changeRestrictions(model, type, relation, changed));
    }
  }
  for (const [index, model] of found.world.models.entries()) {
    for (const rest of without(Object.entries(model.conditions ?? {}))) {
      yield withModel(found, index, { ...model, conditions: Object.fromEntries(rest) });
    }
  }
}

function* lessContext(found: Disagreement): Iterable<Disagreement> {
  for (const [index, setting] of found.world.settings.entries()) {
    for (const rest of without(Object.entries(setting.context))) {
      yield withSetting(found, index, { ...setting, context: Object.fromEntries(rest) });
    }
  }
  for (const [position, { tuple, ...entry }] of found.world.stored.entries()) {
    const { condition } = tuple;
    if (condition === undefined) continue;
    for (const rest of without(Object.entries(condition.context))) {
      const less = { ...tuple, condition: { ...condition, context: Object.fromEntries(rest) } };
      yield withWorld(found, {
        stored: found.world.stored.with(position, { ...entry, tuple: less }),
      });
    }
  }
}

/** All of the list but one half, then all but one item. */
function* without<Item>(items: readonly Item[]): Iterable<Item[]> {
  const half = Math.floor(items.length / 2);
  if (half > 1) {
    yield items.slice(0, half);
    yield items.slice(half);
  }
  for (let index = 0; index < items.length; index++) yield items.toSpliced(index, 1);
}

function* simplerThan(rewrite: PlainRewrite): Iterable<PlainRewrite> {
  if ('union' in rewrite) {
    yield* rewrite.union.child;
    for (const [index, child] of rewrite.union.child.entries()) {
      for (const simpler of simplerThan(child)) {
        yield { union: { child: rewrite.union.child.with(index, simpler) } };
      }
    }
  } else if ('intersection' in rewrite) {
    yield* rewrite.intersection.child;
    for (const [index, child] of rewrite.intersection.child.entries()) {
      for (const simpler of simplerThan(child)) {
        yield { intersection: { child: rewrite.intersection.child.with(index, simpler) } };
      }
    }
  } else if ('difference' in rewrite) {
    const { base, subtract } = rewrite.difference;
    yield base;
    yield subtract;
    for (const simpler of simplerThan(base)) yield { difference: { base: simpler, subtract } };
    for (const simpler of simplerThan(subtract)) yield { difference: { base, subtract: simpler } };
  } else if (!('this' in rewrite)) yield { this: {} };
}

function* relationsIn(world: World) {
  for (const [index, model] of world.models.entries()) {
    for (const { type, relations = {}, metadata } of model.type_definitions) {
      for (const [relation, rewrite] of Object.entries(relations)) {
        const restrictions = metadata?.relations[relation]?.directly_related_user_types ?? [];
        yield { index, model, type, relation, rewrite, restrictions };
      }
    }
  }
}

type Definition = PlainModel['type_definitions'][number];

function changeType(
  model: PlainModel,
  type: string,
  change: (definition: Definition) => Definition,
) {
  const type_definitions = model.type_definitions.map((definition) =>
    definition.type === type ? change(definition) : definition,
  );
  return { ...model, type_definitions };
}

function changeRelation(
  model: PlainModel,
  type: string,
  relation: string,
  change: () => PlainRewrite | undefined,
): PlainModel {
  const rewrite = change();
  const direct = JSON.stringify(rewrite ?? {}).includes('"this"');
  return changeType(model, type, (definition) => {
    const relations = { ...definition.relations };
    const metadata = { ...definition.metadata?.relations };
    if (rewrite === undefined) delete relations[relation];
    else relations[relation] = rewrite;
    if (rewrite === undefined) delete metadata[relation];
    else if (!direct) metadata[relation] = { directly_related_user_types: [] };
    return { type, relations, metadata: { relations: metadata } };
  });
}

function changeRestrictions(
  model: PlainModel,
  type: string,
  relation: string,
  directly_related_user_types: readonly object[],
): PlainModel {
  return changeType(model, type, (definition) => ({
    ...definition,
    metadata: {
      relations: {
        ...definition.metadata?.relations,
        [relation]: { directly_related_user_types } as object,
      },
    },
  }));
}

function withModel(found: Disagreement, index: number, model: PlainModel): Disagreement {
  return withWorld(found, { models: found.world.models.with(index, model) });
}

function withWorld(found: Disagreement, change: Partial<World>): Disagreement {
  return { ...found, world: { ...found.world, ...change } };
}

function withSetting(found: Disagreement, index: number, setting: Setting): Disagreement {
  return withWorld(found, { settings: found.world.settings.with(index, setting) });
}

function unguarded({ condition: _, ...key }: PlainTuple): PlainTuple {
  return key;
}

/** The case as YAML: paste it into a test, or into an issue. */
export function printCase(found: Disagreement): string {
  const { world, way, asked, expected, got, rule } = found;
  const plain = {
    models: world.models,
    stored: world.stored,
    settings: world.settings,
    ids: world.ids,
    neighbour: world.neighbour === true,
    way,
    asked,
    expected,
    got,
    ...(rule === undefined ? {} : { rule }),
  };
  return stringify(plain, { aliasDuplicateObjects: false });
}
