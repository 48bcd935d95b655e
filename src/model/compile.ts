/**
 * From a model to what the engine walks: relations numbered over the whole model, restrictions as
 * edges, rewrites as flat plans.
 */
import { assert } from '../base/assert.ts';
import { compileCondition } from './compile-condition.ts';
import type { Arrow, CompiledModel, CompiledRelation, Edge, Plan } from './compiled.ts';
import type { CompiledCondition } from './condition.ts';
import { lookUpNames } from './look-up-names.ts';
import type { Model, RelationDefinition, Rewrite, TypeRestriction } from './model.ts';
import { reachability } from './reach.ts';
import { tuplesetsOf } from './rewrite.ts';

/** Every type, relation and condition name of the model, each once. */
export function namesOf(model: Model): readonly string[] {
  const names = new Set<string>(model.conditions.keys());
  for (const type of model.types.values()) {
    names.add(type.name);
    for (const relation of type.relations.keys()) names.add(relation);
  }
  return [...names];
}

/**
 * REQUIRES: `validateModel` finds no fault; `symbolOf` gives every name of `namesOf(model)` a symbol
 * of its own. 0 would stand for "no relation" in a reader, and so match tuples it must not.
 */
export function compile(model: Model, symbolOf: (name: string) => number): CompiledModel {
  const symbols = new Map<string, number>();
  for (const name of namesOf(model)) {
    const symbol = symbolOf(name);
    assert(symbol !== 0, `the store has no symbol for the name \`${name}\` of its model`);
    symbols.set(name, symbol);
  }
  const indexes = numberRelations(model);
  const context: Context = {
    model,
    symbol: (name) => {
      const symbol = symbols.get(name);
      assert(symbol !== undefined, `\`${name}\` is no name of the model`);
      return symbol;
    },
    index: (type, relation) => indexes.get(type)?.get(relation) ?? -1,
  };
  const relations = compileRelations(context);
  return {
    model,
    relations,
    ...lookUpNames(model, context, relations),
    reachOf: reachability(relations),
    conditions: compileConditions(context),
  };
}

interface Context {
  readonly model: Model;
  symbol(name: string): number;
  index(type: string, relation: string): number;
}

function numberRelations(model: Model): Map<string, Map<string, number>> {
  const indexes = new Map<string, Map<string, number>>();
  let next = 0;
  for (const type of model.types.values()) {
    const ofType = new Map<string, number>();
    for (const relation of type.relations.keys()) ofType.set(relation, next++);
    indexes.set(type.name, ofType);
  }
  return indexes;
}

function compileRelations(context: Context): CompiledRelation[] {
  const relations: CompiledRelation[] = [];
  for (const type of context.model.types.values()) {
    const tuplesets = tuplesetsOf(type);
    const edges = new Map<string, readonly Edge[]>();
    for (const relation of type.relations.values()) {
      edges.set(relation.name, compileEdges(context, relation, tuplesets.has(relation.name)));
    }
    const edgesOf = (relation: string) => edges.get(relation) ?? [];
    for (const relation of type.relations.values()) {
      relations.push({
        index: context.index(type.name, relation.name),
        type: context.symbol(type.name),
        symbol: context.symbol(relation.name),
        typeName: type.name,
        name: relation.name,
        plan: compileRewrite(relation.rewrite, {
          context,
          type: type.name,
          relation: relation.name,
          edgesOf,
        }),
        edges: edgesOf(relation.name),
        tupleset: tuplesets.has(relation.name),
      });
    }
  }
  for (const [index, relation] of relations.entries()) {
    assert(relation.index === index, 'a relation stands at its index');
  }
  return relations;
}

/**
 * One edge for each shape of subject. A tuple without a condition counts where a restriction of
 * exactly its shape asks for none. A condition counts where any restriction of the subject's type
 * names it, whatever the shape of that one: so the wire's tests have it.
 */
function compileEdges(context: Context, relation: RelationDefinition, tupleset: boolean): Edge[] {
  const shapes = Map.groupBy(
    relation.restrictions.filter((r) => !tupleset || (r.relation === '' && !r.wildcard)),
    (restriction) => shapeOf(restriction),
  );
  return [...shapes.values()].map((restrictions): Edge => {
    const { type, relation: subjectRelation, wildcard } = restrictions[0] as TypeRestriction;
    const conditions = relation.restrictions
      .filter((r) => r.type === type && r.condition !== '')
      .map((r) => context.symbol(r.condition));
    return {
      subjectType: context.symbol(type),
      subjectRelation: subjectRelation === '' ? 0 : context.symbol(subjectRelation),
      target: subjectRelation === '' ? -1 : context.index(type, subjectRelation),
      wildcard,
      unguarded: restrictions.some((r) => r.condition === ''),
      conditions: [...new Set(conditions)],
    };
  });
}

function shapeOf(restriction: TypeRestriction): string {
  return JSON.stringify([restriction.type, restriction.relation, restriction.wildcard]);
}

interface Place {
  readonly context: Context;
  readonly type: string;
  readonly relation: string;
  edgesOf(relation: string): readonly Edge[];
}

function compileRewrite(rewrite: Rewrite, place: Place): Plan {
  switch (rewrite.kind) {
    case 'this':
      return { kind: 'direct', edges: place.edgesOf(place.relation) };
    case 'computed':
      return { kind: 'computed', relation: place.context.index(place.type, rewrite.relation) };
    case 'from':
      return {
        kind: 'from',
        tupleset: place.context.index(place.type, rewrite.tupleset),
        arrows: compileArrows(rewrite.tupleset, rewrite.relation, place),
      };
    case 'union':
    case 'intersection':
      return { kind: rewrite.kind, children: compileChildren(rewrite.kind, rewrite, place) };
    case 'exclusion':
      return {
        kind: 'exclusion',
        base: compileRewrite(rewrite.base, place),
        subtract: compileRewrite(rewrite.subtract, place),
      };
  }
}

/** A union inside a union is the same union, and so with intersections: the walk need not nest. */
function compileChildren(
  kind: 'union' | 'intersection',
  rewrite: Extract<Rewrite, { kind: 'union' | 'intersection' }>,
  place: Place,
): Plan[] {
  return rewrite.children.flatMap((child) => {
    const plan = compileRewrite(child, place);
    return plan.kind === kind ? plan.children : [plan];
  });
}

/** Types that lack the wanted relation are left out: nothing can come of them. */
function compileArrows(tupleset: string, relation: string, place: Place): Arrow[] {
  const { context } = place;
  const typeNames = new Map(
    context.model.types
      .get(place.type)
      ?.relations.get(tupleset)
      ?.restrictions.map((r) => [context.symbol(r.type), r.type]),
  );
  return place.edgesOf(tupleset).flatMap((edge) => {
    const target = context.index(typeNames.get(edge.subjectType) ?? '', relation);
    return target === -1 ? [] : [{ edge, target }];
  });
}

function compileConditions(context: Context): Map<number, CompiledCondition> {
  const conditions = new Map<number, CompiledCondition>();
  for (const definition of context.model.conditions.values()) {
    conditions.set(context.symbol(definition.name), compileCondition(definition));
  }
  return conditions;
}
