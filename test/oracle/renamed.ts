/** The same world under other names: types, relations, conditions and ids are changed one to one. */
import type { Asked } from './asked.ts';
import type { PlainModel, PlainRestriction, PlainRewrite, PlainTuple } from './facts.ts';
import { unseenId } from './questions.ts';
import type { RandomSource } from './random-source.ts';
import type { World } from './world.ts';

type Renaming = (name: string) => string;

interface Names {
  readonly type: Renaming;
  readonly relation: Renaming;
  readonly condition: Renaming;
  readonly id: Renaming;
}

/** The renamed world, and the question that stands for one about the world as it was. */
export function renamed(
  random: RandomSource,
  world: World,
): { world: World; moved: (question: Asked) => Asked } {
  const names = namesFor(random, world);
  const tuple = (plain: PlainTuple) => renameTuple(names, plain);
  const changed: World = {
    ...world,
    models: world.models.map((model) => renameModel(names, model)),
    stored: world.stored.map((entry) => ({ ...entry, tuple: tuple(entry.tuple) })),
    settings: world.settings.map((setting) => ({
      ...setting,
      contextual: setting.contextual.map(tuple),
    })),
    ids: world.ids.map(names.id),
  };
  return { world: changed, moved: (question) => ({ ...question, ...renameKey(names, question) }) };
}

function namesFor(random: RandomSource, world: World): Names {
  const definitions = world.models.flatMap((model) => model.type_definitions);
  const conditions = world.models.flatMap((model) => Object.keys(model.conditions ?? {}));
  return {
    type: bijection(
      random,
      definitions.map(({ type }) => type),
    ),
    relation: bijection(
      random,
      definitions.flatMap(({ relations = {} }) => Object.keys(relations)),
    ),
    condition: bijection(random, conditions),
    id: bijection(random, [...world.ids, unseenId]),
  };
}

/** Each name becomes another one of them, or all become new ones. */
function bijection(random: RandomSource, names: readonly string[]): Renaming {
  const old = [...new Set(names)];
  const fresh = old.map((_, index) => `fresh_${index}`);
  const after = random.shuffled(random.chance(0.5) ? old : fresh);
  const map = new Map(old.map((name, index) => [name, after[index] as string]));
  return (name) => map.get(name) ?? name;
}

function renameModel(names: Names, model: PlainModel): PlainModel {
  const entries = <Value>(record: Readonly<Record<string, Value>> | undefined) =>
    Object.entries(record ?? {});
  return {
    ...model,
    type_definitions: model.type_definitions.map(({ type, relations, metadata }) => ({
      type: names.type(type),
      relations: Object.fromEntries(
        entries(relations).map(([name, rewrite]) => [
          names.relation(name),
          renameRewrite(names, rewrite),
        ]),
      ),
      metadata: {
        relations: Object.fromEntries(
          entries(metadata?.relations).map(([name, { directly_related_user_types: taken }]) => [
            names.relation(name),
            { directly_related_user_types: (taken ?? []).map((each) => rename(names, each)) },
          ]),
        ),
      },
    })),
    conditions: Object.fromEntries(
      entries(model.conditions).map(([key, condition]) => {
        const name = names.condition(key);
        return [name, { ...condition, name }];
      }),
    ),
  };
}

function rename(names: Names, restriction: PlainRestriction): PlainRestriction {
  const { type, relation, condition } = restriction;
  return {
    ...restriction,
    type: names.type(type),
    ...(relation === undefined ? {} : { relation: names.relation(relation) }),
    ...(condition === undefined ? {} : { condition: names.condition(condition) }),
  };
}

function renameRewrite(names: Names, rewrite: PlainRewrite): PlainRewrite {
  const within = (child: PlainRewrite) => renameRewrite(names, child);
  if ('this' in rewrite) return rewrite;
  if ('computedUserset' in rewrite) {
    return { computedUserset: { relation: names.relation(rewrite.computedUserset.relation) } };
  }
  if ('tupleToUserset' in rewrite) {
    const { tupleset, computedUserset } = rewrite.tupleToUserset;
    return {
      tupleToUserset: {
        tupleset: { relation: names.relation(tupleset.relation) },
        computedUserset: { relation: names.relation(computedUserset.relation) },
      },
    };
  }
  if ('union' in rewrite) return { union: { child: rewrite.union.child.map(within) } };
  if ('intersection' in rewrite) {
    return { intersection: { child: rewrite.intersection.child.map(within) } };
  }
  const { base, subtract } = rewrite.difference;
  return { difference: { base: within(base), subtract: within(subtract) } };
}

function renameTuple(names: Names, tuple: PlainTuple): PlainTuple {
  const key = renameKey(names, tuple);
  const { condition } = tuple;
  if (condition === undefined) return key;
  return { ...key, condition: { ...condition, name: names.condition(condition.name) } };
}

function renameKey(names: Names, key: { object: string; relation: string; subject: string }) {
  return {
    object: renameReference(names, key.object),
    relation: names.relation(key.relation),
    subject: renameReference(names, key.subject),
  };
}

function renameReference(names: Names, reference: string): string {
  const colon = reference.indexOf(':');
  const [id = '', relation] = reference.slice(colon + 1).split('#');
  const renamedObject = `${names.type(reference.slice(0, colon))}:${names.id(id)}`;
  return relation === undefined ? renamedObject : `${renamedObject}#${names.relation(relation)}`;
}
