import { expect, test } from 'vitest';
import { AssertionError } from '../../src/base/assert.ts';
import { compile, namesOf } from '../../src/model/compile.ts';
import type { CompiledModel } from '../../src/model/compiled.ts';
import { compileCounting, compiledOf, modelOf, relationOf } from './build.ts';

const sample = `type user
type group
  relations
    define member: [user, user:*, group#member]
type folder
  relations
    define owner: [group]
    define parent: [folder, group]
    define viewer: [user] or viewer from parent
type document
  relations
    define parent: [folder, group]
    define banned: [user]
    define editor: [user with c, group#member]
    define viewer: ([user with c, user:*] or editor or (editor or viewer from parent)) but not banned
    define reader: (editor and viewer) and banned
condition c(x: int) {
  x < 100
}`;

test('every name is told once', async () => {
  const names = namesOf(await modelOf(sample));
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual(expect.arrayContaining(['user', 'document', 'member', 'viewer', 'c']));
});

test('relations are numbered in one row, and found by their names', async () => {
  const model = await compiledOf(sample);
  for (const [index, relation] of model.relations.entries()) {
    expect(relation.index).toBe(index);
    expect(model.relationIndex(relation.typeName, relation.name)).toBe(index);
    expect(model.typeSymbol(relation.typeName)).toBe(relation.type);
  }
  expect(model.relationIndex('document', 'nothing')).toBe(-1);
  expect(model.relationIndex('nothing', 'viewer')).toBe(-1);
  expect(model.typeSymbol('viewer')).toBe(0);
});

test('names of the same lengths are told from one another, in whatever order they are asked for', async () => {
  const model = await compiledOf(`type user
type team
  relations
    define lead: [user]
    define head: [user]
type crew
  relations
    define head: [user]
    define lead: [user]`);
  const types = ['user', 'team', 'crew', 'none'];
  const relations = ['lead', 'head', 'none'];
  const pairs = types.flatMap((type) => relations.map((relation) => [type, relation] as const));
  const right = (type: string, relation: string) =>
    model.relations.findIndex(({ typeName, name }) => typeName === type && name === relation);
  for (const before of pairs) {
    for (const pair of pairs) {
      model.relationIndex(...before);
      expect(model.relationIndex(...pair)).toBe(right(...pair));
    }
  }
  const symbols = types.map((type) => model.typeSymbol(type));
  expect(new Set(symbols).size).toBe(4);
  expect(types.toReversed().map((type) => model.typeSymbol(type))).toEqual(symbols.toReversed());
  expect(symbols[3]).toBe(0);
});

test('an edge stands for every shape of subject', async () => {
  const model = await compiledOf(sample);
  const [user, group, c] = [
    model.typeSymbol('user'),
    model.typeSymbol('group'),
    conditionSymbol(model),
  ];
  expect(relationOf(model, 'document#editor').edges).toEqual([
    {
      subjectType: user,
      subjectRelation: 0,
      target: -1,
      wildcard: false,
      unguarded: false,
      conditions: [c],
    },
    {
      subjectType: group,
      subjectRelation: relationOf(model, 'group#member').symbol,
      target: relationOf(model, 'group#member').index,
      wildcard: false,
      unguarded: true,
      conditions: [],
    },
  ]);
});

test('a condition counts for every shape of its type, its absence for its own shape alone', async () => {
  const model = await compiledOf(sample);
  const [object, wildcard] = relationOf(model, 'document#viewer').edges;
  expect(object).toMatchObject({ wildcard: false, unguarded: false });
  expect(wildcard).toMatchObject({ wildcard: true, unguarded: true });
  expect(wildcard?.conditions).toEqual([conditionSymbol(model)]);
});

function conditionSymbol(model: Awaited<ReturnType<typeof compiledOf>>): number {
  return [...model.conditions.keys()][0] ?? -1;
}

test('nested unions and intersections become one', async () => {
  const model = await compiledOf(sample);
  const { plan } = relationOf(model, 'document#viewer');
  expect(plan.kind).toBe('exclusion');
  const base = plan.kind === 'exclusion' ? plan.base : undefined;
  const kinds = base?.kind === 'union' ? base.children.map((child) => child.kind) : [];
  expect(kinds).toEqual(['direct', 'computed', 'computed', 'from']);
  const reader = relationOf(model, 'document#reader').plan;
  expect(reader.kind === 'intersection' ? reader.children.length : 0).toBe(3);
});

test('arrows lead only to types that have the relation', async () => {
  const model = await compiledOf(sample);
  const plan = relationOf(model, 'folder#viewer').plan;
  const from = plan.kind === 'union' ? plan.children[1] : undefined;
  expect(from?.kind === 'from' ? from.arrows.map((arrow) => arrow.target) : []).toEqual([
    relationOf(model, 'folder#viewer').index,
  ]);
  expect(relationOf(model, 'folder#parent')).toMatchObject({ tupleset: true });
  expect(relationOf(model, 'folder#parent').edges.length).toBe(2);
  expect(relationOf(model, 'folder#owner')).toMatchObject({ tupleset: false });
});

test('a name without a symbol is a bug of the caller', async () => {
  const model = await modelOf(sample);
  expect(() => compile(model, (name) => (name === 'banned' ? 0 : 1))).toThrow(AssertionError);
});

test.each([
  ['document#viewer', 'user', '', true],
  ['document#viewer', 'group', '', false],
  ['document#viewer', 'group', 'member', true],
  ['document#viewer', 'folder', 'viewer', true],
  ['document#viewer', 'document', 'editor', true],
  ['document#viewer', 'document', 'viewer', true],
  // What is only subtracted gives nobody anything.
  ['document#viewer', 'document', 'banned', false],
  ['document#editor', 'folder', 'viewer', false],
  ['document#editor', 'document', 'viewer', false],
  // All sides of an intersection must be reached, except by the userset itself.
  ['document#reader', 'group', 'member', false],
  ['document#reader', 'user', '', true],
  ['document#reader', 'document', 'reader', true],
  ['folder#viewer', 'folder', 'viewer', true],
  ['folder#parent', 'folder', '', true],
  ['folder#parent', 'user', '', false],
  ['document#viewer', 'nothing', '', false],
  ['document#viewer', 'user', 'nothing', false],
])('%s from %s#%s: %s', async (relation, type, subjectRelation, reached) => {
  const model = await compiledOf(sample);
  expect(canReach(model, relationOf(model, relation).index, type, subjectRelation)).toBe(reached);
});

function canReach(model: CompiledModel, relation: number, type: string, subjectRelation: string) {
  const userset = model.relationIndex(type, subjectRelation);
  const isKnown = subjectRelation === '' || userset !== -1;
  return model.reachOf(isKnown ? model.typeSymbol(type) : 0, userset)[relation] === 1;
}

test('reaching is a least fixpoint: a circle without a way in reaches nothing', () => {
  const group = { type: 'group', relation: 'member' };
  const model = compileCounting({
    schemaVersion: '1.1',
    conditions: new Map(),
    types: new Map([
      ['user', { name: 'user', relations: new Map() }],
      [
        'group',
        {
          name: 'group',
          relations: new Map([
            [
              'member',
              {
                name: 'member',
                rewrite: { kind: 'this' },
                restrictions: [{ ...group, wildcard: false, condition: '' }],
              },
            ],
          ]),
        },
      ],
    ]),
  });
  expect(canReach(model, 0, 'user', '')).toBe(false);
  expect(canReach(model, 0, 'group', '')).toBe(false);
  expect(canReach(model, 0, 'group', 'member')).toBe(true);
});
