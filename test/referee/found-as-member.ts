/**
 * How SpiceDB's LookupResources sees a world. Where an object is found through a part of a rewrite
 * that is intersected or subtracted from, it checks the object with the hint that the subject has
 * that part, and takes the hint for certain even if a caveat on the way to it is open. In
 * `viewer - viewer`, with an open caveat, both sides are then certain and the object is left out.
 */
import { oracleFor } from '../oracle/compare.ts';
import {
  type PlainModel,
  type PlainRestriction,
  type PlainRewrite,
  type Question,
  typeOf,
} from '../oracle/facts.ts';
import type { Setting, World } from '../oracle/world.ts';

/** A part that can be found: what is assigned to a relation, a relation, or what a parent gives. */
interface Part {
  readonly type: string;
  /** Where it stands, for what is assigned; for the others it is the same part everywhere. */
  readonly relation: string | undefined;
  readonly rewrite: PlainRewrite;
}

type Definition = PlainModel['type_definitions'][number];

const part = { computedUserset: { relation: 'found_part' } };
const hint = { computedUserset: { relation: 'found_hint' } };

/** One world for each object and part that is open for the subject: there, the subject has the part. */
export function* foundAsMember(
  world: World,
  setting: number,
  question: Question,
): Generator<World, void, void> {
  const [model] = world.models as [PlainModel];
  const objects = new Set(world.stored.map(({ tuple }) => tuple.object).concat(question.object));
  for (const found of partsOf(model)) {
    const named = nameHints(world, found, question.subject);
    const oracle = oracleFor(named, named.settings[setting] as Setting);
    const answers = oracle.ask(question.subject);
    for (const object of objects) {
      if (typeOf(object) !== found.type) continue;
      if (answers.outcome(object, part.computedUserset.relation) !== 'error') continue;
      const tuple = {
        object,
        relation: hint.computedUserset.relation,
        subject: question.subject,
      };
      yield { ...named, stored: [...named.stored, { tuple, model: 0, deleted: false }] };
    }
  }
}

function partsOf(model: PlainModel): Part[] {
  const parts = new Map<string, Part>();
  for (const { type, relations = {} } of model.type_definitions) {
    for (const [relation, whole] of Object.entries(relations)) {
      // A tupleset stays what it is: nothing may be put beside what is assigned to it.
      if (relation.startsWith('in_')) continue;
      for (const rewrite of leavesOf(whole)) {
        const found = { type, relation: 'this' in rewrite ? relation : undefined, rewrite };
        parts.set(JSON.stringify(found), found);
      }
    }
  }
  return [...parts.values()];
}

function leavesOf(rewrite: PlainRewrite): readonly PlainRewrite[] {
  if ('union' in rewrite) return rewrite.union.child.flatMap(leavesOf);
  if ('intersection' in rewrite) return rewrite.intersection.child.flatMap(leavesOf);
  if ('difference' in rewrite) {
    return [rewrite.difference.base, rewrite.difference.subtract].flatMap(leavesOf);
  }
  return [rewrite];
}

/** The same world with two more relations: the part by a name of its own, and hints of it. */
function nameHints(world: World, found: Part, subject: string): World {
  const [model] = world.models as [PlainModel];
  const type_definitions = model.type_definitions.map((definition) =>
    definition.type === found.type ? nameHintsOf(definition, found, subject) : definition,
  );
  const stored = world.stored.map((entry) => {
    const { object, relation } = entry.tuple;
    if (relation !== found.relation || typeOf(object) !== found.type) return entry;
    return { ...entry, tuple: { ...entry.tuple, relation: part.computedUserset.relation } };
  });
  return { ...world, models: [{ ...model, type_definitions }], stored };
}

function nameHintsOf(definition: Definition, found: Part, subject: string): Definition {
  const wanted = JSON.stringify(found.rewrite);
  const replace = (relation: string, rewrite: PlainRewrite): PlainRewrite => {
    const inside = (child: PlainRewrite) => replace(relation, child);
    if ('union' in rewrite) return { union: { child: rewrite.union.child.map(inside) } };
    if ('intersection' in rewrite) {
      return { intersection: { child: rewrite.intersection.child.map(inside) } };
    }
    if ('difference' in rewrite) {
      const { base, subtract } = rewrite.difference;
      return { difference: { base: inside(base), subtract: inside(subtract) } };
    }
    const isHere = found.relation === undefined || found.relation === relation;
    return isHere && JSON.stringify(rewrite) === wanted
      ? { union: { child: [part, hint] } }
      : rewrite;
  };
  const relations = Object.entries(definition.relations ?? {});
  const assigned = definition.metadata?.relations ?? {};
  const [, ofRelation] = subject.split('#');
  const shape: PlainRestriction =
    ofRelation === undefined
      ? { type: typeOf(subject) }
      : { type: typeOf(subject), relation: ofRelation };
  return {
    ...definition,
    relations: {
      ...Object.fromEntries(relations.map(([name, rewrite]) => [name, replace(name, rewrite)])),
      [part.computedUserset.relation]: found.rewrite,
      [hint.computedUserset.relation]: { this: {} },
    },
    metadata: {
      relations: {
        ...assigned,
        [part.computedUserset.relation]: (found.relation && assigned[found.relation]) || {},
        [hint.computedUserset.relation]: { directly_related_user_types: [shape] },
      },
    },
  };
}
