/**
 * Two questions that look alike must never share an answer: whatever can change an answer is part of
 * every key under which something is remembered.
 */
import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import type { TupleText } from '../engine/world.ts';
import { RandomSource } from '../oracle/random-source.ts';
import type { Item } from './item.ts';
import { answerOf, ask, batch, filled, holds, opened } from './manners.ts';

/** A document that is seen where the condition holds of the request's context. */
function conditional(expression: string, parameters: string): string {
  return `
model
  schema 1.1
type user
type document
  relations
    define viewer: [user, user with c, user with d, user with e]
condition c(${parameters}) {
  ${expression}
}
condition d(n: int) {
  n == 1
}
condition e(n: int) {
  n == 2
}`;
}

const check = 'document:1#viewer@user:anne';

/** The same with a parameter `v` of any type, which the DSL has no word for. */
function ofAnything(expression: string): JsonObject {
  return {
    schema_version: '1.1',
    type_definitions: [
      { type: 'user' },
      {
        type: 'document',
        relations: { viewer: { this: {} } },
        metadata: {
          relations: {
            viewer: { directly_related_user_types: [{ type: 'user', condition: 'c' }] },
          },
        },
      },
    ],
    conditions: {
      c: { name: 'c', expression, parameters: { v: { type_name: 'TYPE_NAME_ANY' } } },
    },
  };
}

test('A12: the condition of a contextual tuple, and its context, are part of the question', async () => {
  const service = await opened();
  const store = await filled(service, { model: conditional('n == m', 'n: int, m: int') });
  const guarded = (condition: string, context: JsonObject = {}): readonly TupleText[] => [
    [check, condition, context as Record<string, never>],
  ];
  const context = { n: 1, m: 1 };
  await ask(service, store, [
    { check, context, contextual: guarded('d'), expected: 'allowed' },
    { check, context, contextual: guarded('e'), expected: 'denied' },
    { check, context, contextual: guarded('c', { n: 1 }), expected: 'allowed' },
    { check, context, contextual: guarded('c', { n: 2 }), expected: 'denied' },
    { check, context, contextual: guarded('c', { m: 2 }), expected: 'denied' },
    { check, context, contextual: guarded('c'), expected: 'allowed' },
    { check, context, contextual: [check], expected: 'allowed' },
    { check, context, contextual: [], expected: 'denied' },
    { check, context: { n: 2 }, contextual: guarded('d'), expected: 'denied' },
    { check, context: { n: 2 }, contextual: guarded('e'), expected: 'allowed' },
    { check, contextual: guarded('d'), expected: 'validation_error' },
  ]);
});

test('A19: a context cannot spell another one with its delimiters', async () => {
  const model = conditional("a == 'x' && b == 'y'", 'a: string, b: string');
  const items = (contexts: readonly (readonly [JsonObject, string])[]): Item[] =>
    contexts.map(([context, expected]) => ({ check, context, expected }));
  const service = await opened();
  const store = await filled(service, { model, tuples: [[check, 'c', {}]] });
  await ask(
    service,
    store,
    items([
      [{ a: 'x', b: 'y' }, 'allowed'],
      [{ a: "x,'b:'y" }, 'validation_error'],
      [{ a: 'x,b,y' }, 'validation_error'],
      [{ a: 'x,b:y' }, 'validation_error'],
      [{ a: 'x;b=y' }, 'validation_error'],
      [{ a: 'x|b|y' }, 'validation_error'],
      [{ a: 'x","b":"y' }, 'validation_error'],
      [{ 'a":"x","b': 'y' }, 'validation_error'],
      [{ a: 'x', b: 'y"' }, 'denied'],
      [{ a: 'x', b: '"y' }, 'denied'],
      [{ b: 'y', a: 'x' }, 'allowed'],
      [{ a: 'x"', b: 'y' }, 'denied'],
      [{ a: 'x', b: 'y', c: '' }, 'allowed'],
    ]),
  );
});

test('A20: a list of one text is not the list of its parts', async () => {
  const service = await opened();
  const model = conditional("roles.exists(role, role == 'editor')", 'roles: list<string>');
  const store = await filled(service, { model, tuples: [[check, 'c', {}]] });
  const asked: [string[], string][] = [
    [['editor,viewer'], 'denied'],
    [['editor', 'viewer'], 'allowed'],
    [['editor"', '"viewer'], 'denied'],
    [['editor","viewer'], 'denied'],
    [['viewer', 'editor'], 'allowed'],
    [['', 'editor'], 'allowed'],
    [[''], 'denied'],
    [[], 'denied'],
  ];
  await ask(
    service,
    store,
    asked.map(([roles, expected]) => ({ check, context: { roles }, expected })),
  );
});

test('A42: nested lists, numbers, texts, null and nothing are all different', async () => {
  const values: [expression: string, value: JsonValue | undefined][] = [
    ["v == [['a'], 'b']", [['a'], 'b']],
    ["v == [['a', 'b']]", [['a', 'b']]],
    ["v == ['a', 'b']", ['a', 'b']],
    ["v == [['a'], ['b']]", [['a'], ['b']]],
    ["v == ['a', ['b']]", ['a', ['b']]],
    ['v == 1.0', 1],
    ["v == '1'", '1'],
    ['v == true', true],
    ["v == 'true'", 'true'],
    ['v == null', null],
    ["v == 'null'", 'null'],
    ["v == ''", ''],
    ['v == []', []],
    ['v == [[]]', [[]]],
    ['v == {}', {}],
    ["v == {'a': 1.0}", { a: 1 }],
    ["v == {'a': '1'}", { a: '1' }],
    ["v == {'a': null}", { a: null }],
    ['v == false', undefined],
  ];
  const service = await opened();
  for (const [expression, meant] of values) {
    const model = ofAnything(expression);
    const store = await filled(service, { model, tuples: [[check, 'c', {}]] });
    await ask(
      service,
      store,
      values.map(([, value]) => ({
        check,
        context: value === undefined ? {} : { v: value },
        expected: value === undefined ? 'validation_error' : value === meant ? 'allowed' : 'denied',
      })),
    );
  }
});

test('A22, key collisions: a batch of questions full of delimiters answers as each alone', async () => {
  const random = new RandomSource(22);
  const service = await opened();
  const model = `
model
  schema 1.1
type user
type group
  relations
    define member: [user, user with c, user:*]
type document
  relations
    define viewer: [user, user with c, group#member]
condition c(a: string, b: list<string>) {
  a == 'x' && b.exists(item, item == 'y')
}`;
  const store = await filled(service, {
    model,
    tuples: ['document:1#viewer@group:g#member', ['document:,#viewer@user:a', 'c', { a: 'x' }]],
  });
  const pieces = ['x', 'y', ',', '"', "'", '[', ']', '{', '}', '|', '/', '@', '\\', '', '"a":"x"'];
  const text = () => random.pick(pieces) + random.pick(pieces);
  const id = () => random.pick(['1', '2', ',', '|', '"', 'g', 'a', 'a,b', 'a"', '@']);
  const context = (): JsonObject => ({
    ...(random.chance(0.8) ? { a: random.pick(['x', 'x', text()]) } : {}),
    ...(random.chance(0.8) ? { b: random.pick([['y'], [text()], [text(), 'y'], ['x', 'y']]) } : {}),
    ...(random.chance(0.2) ? { [`${text()}k`]: text() } : {}),
  });
  const tuple = (): TupleText => {
    const user = random.pick(['user:a', 'user:b', `user:${id()}`]);
    const object = random.pick(['document:1#viewer', 'group:g#member', `document:${id()}#viewer`]);
    const key = `${object}@${user}`;
    return random.chance(0.5) ? key : [key, 'c', context() as Record<string, never>];
  };
  const answers = new Set<string>();
  for (let round = 0; round < 150; round++) {
    const items = Array.from({ length: 20 }, (): Item => {
      const object = random.pick(['document:1', 'document:,', `document:${id()}`]);
      return {
        check: `${object}#viewer@${random.pick(['user:a', 'user:b', `user:${id()}`])}`,
        context: context(),
        contextual: Array.from({ length: random.below(3) }, tuple),
        expected: '',
      };
    });
    const alone: string[] = [];
    for (const item of items) alone.push(await answerOf(service, store, item));
    expect(await batch(service, store, items)).toEqual(alone);
    for (const answer of alone) answers.add(answer);
  }
  expect([...answers].sort()).toEqual(['allowed', 'denied', 'invalid_tuple', 'validation_error']);
});

test('A23: names and ids that hold delimiters never run into one another', async () => {
  const user = { directly_related_user_types: [{ type: 'user' }, { type: 'user|x' }] };
  const withRelations = (type: string) => ({
    type,
    relations: { viewer: { this: {} }, 'viewer|a': { this: {} } },
    metadata: { relations: { viewer: user, 'viewer|a': user } },
  });
  await holds({
    // The DSL's grammar knows no such names; the wire does.
    model: {
      schema_version: '1.1',
      type_definitions: [
        { type: 'user' },
        { type: 'user|x' },
        ...['doc', 'doc|viewer', 'doc|1', 'doc/viewer', 'doc,viewer'].map(withRelations),
      ],
    },
    tuples: [
      'doc:1|2#viewer@user:x|anne',
      'doc|viewer:a#viewer@user:beth',
      'doc:b#viewer|a@user:carl',
    ],
    checks: {
      'doc:1|2#viewer@user:x|anne': 'allowed',
      'doc|1:2#viewer@user:x|anne': 'denied',
      'doc:1|2#viewer@user|x:anne': 'denied',
      'doc:1|2#viewer|a@user:x|anne': 'denied',
      'doc|viewer:a#viewer@user:beth': 'allowed',
      'doc:viewer|a#viewer@user:beth': 'denied',
      'doc/viewer:a#viewer@user:beth': 'denied',
      'doc,viewer:a#viewer@user:beth': 'denied',
      'doc:b#viewer|a@user:carl': 'allowed',
      'doc:b#viewer@user:carl': 'denied',
      'doc:b#viewer@user:a|carl': 'denied',
    },
  });
});

test('A43: questions of all kinds at once, over what is stored and what is sent, stay apart', async () => {
  const service = await opened();
  const model = `
model
  schema 1.1
type user
type document
  relations
    define viewer: [user, user with c] or editor
    define editor: [user with c]
condition c(n: int, m: int) {
  n < m
}`;
  const store = await filled(service, {
    model,
    tuples: [[check, 'c', { m: 5 }], 'document:2#viewer@user:beth'],
  });
  const kinds: Item[] = [
    { check, context: { n: 1 }, expected: 'allowed' },
    { check, context: { n: 9 }, expected: 'denied' },
    { check, expected: 'validation_error' },
    { check, contextual: [check], expected: 'allowed' },
    { check, contextual: ['document:2#viewer@user:anne'], expected: 'validation_error' },
    { check: 'document:2#viewer@user:anne', expected: 'denied', listed: 'validation_error' },
    {
      check: 'document:2#viewer@user:anne',
      contextual: ['document:2#viewer@user:anne'],
      expected: 'allowed',
      listed: 'validation_error',
    },
    { check: 'document:2#viewer@user:beth', context: { n: 1 }, expected: 'allowed' },
  ];
  const random = new RandomSource(43);
  const items = random.shuffled(Array.from({ length: 25 }, () => kinds).flat());
  await ask(service, store, items);
});

test('condition types: equal values in any spelling have the same answer', async () => {
  const cases: [parameters: string, expression: string, same: JsonValue[], other: JsonValue[]][] = [
    [
      'v: ipaddress',
      "v.in_cidr('10.0.0.0/8')",
      ['10.1.2.3', '::ffff:10.1.2.3', '::FFFF:0A01:0203', '0:0:0:0:0:ffff:10.1.2.3'],
      ['11.1.2.3', '::ffff:11.1.2.3', '::10.1.2.3', '2001:db8::1'],
    ],
    [
      'v: ipaddress',
      "v.in_cidr('::ffff:10.0.0.0/104')",
      ['10.1.2.3', '::ffff:10.1.2.3'],
      ['11.1.2.3', '::1'],
    ],
    ['v: int', 'v == 10', [10, '10', 10.0, '1e1', '10.0', '+10'], [11, '-10', 0]],
    ['v: uint', 'v == 10u', [10, '10', '10.0'], [11, 0]],
    ['v: double', 'v == 10.0', [10, '10', '1e1', '10.0'], [10.5, '-10', 0]],
    ['v: int', 'v == 9007199254740993', ['9007199254740993'], ['9007199254740992']],
    ['v: duration', "v == duration('90m')", ['90m', '1h30m', '5400s', '1.5h'], ['91m', '-90m']],
    [
      'v: timestamp',
      "v == timestamp('2024-01-01T00:00:00Z')",
      ['2024-01-01T00:00:00Z', '2024-01-01T01:00:00+01:00', '2024-01-01T00:00:00.000Z'],
      ['2024-01-01T00:00:00.001Z', '2023-12-31T23:59:59Z'],
    ],
  ];
  for (const [parameters, expression, same, other] of cases) {
    const service = await opened();
    const model = conditional(expression, parameters);
    const store = await filled(service, { model, tuples: [[check, 'c', {}]] });
    const items = (values: readonly JsonValue[], expected: string) =>
      values.map((v) => ({ check, context: { v }, expected }));
    await ask(service, store, [...items(same, 'allowed'), ...items(other, 'denied')]);
    const stored = same.map(
      (v, i): TupleText => [`document:${i}#viewer@user:anne`, 'c', { v: v as string }],
    );
    const checks = Object.fromEntries(
      same.map((_, i) => [`document:${i}#viewer@user:anne`, 'allowed']),
    );
    await holds({ model, tuples: stored, checks });
  }
});
