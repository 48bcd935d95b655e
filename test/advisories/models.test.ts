/** Models and conditions that other engines took, misread, or fell over. */
import {
  fromBinary,
  fromJson,
  type JsonObject,
  type JsonValue,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { Refusal } from '../../src/base/errors.ts';
import { limits } from '../../src/base/limits.ts';
import { modelFromDsl, modelToDsl } from '../../src/model/dsl.ts';
import { parseModel } from '../../src/model/parse.ts';
import { sameModel } from '../../src/model/same-model.ts';
import { RandomSource } from '../oracle/random-source.ts';
import { isValidModel } from '../oracle/valid-model.ts';
import { randomWorld } from '../oracle/world.ts';
import { callOf, type TestService, tupleKey } from '../service/harness.ts';
import { answerOf, ask, filled, holds, opened, writeRaw } from './manners.ts';
import { everyOtherWay } from './other-ways.ts';

async function storeOf(service: TestService): Promise<string> {
  return (await service.ask('CreateStore', { name: 'models' })).body.id;
}

async function refusesModel(text: string): Promise<void> {
  const service = await opened();
  const definition = (await modelFromDsl(text)) as JsonObject;
  const request = { store_id: await storeOf(service), ...definition };
  const { code } = await service.refusal('WriteAuthorizationModel', request);
  expect(code).toBe('invalid_authorization_model');
}

describe('tuplesets', () => {
  const withParent = (parent: string) => `
model
  schema 1.1
type user
type folder
  relations
    define viewer: [user]
    define other: [folder]
type document
  relations
    define other: [folder]
    define parent: ${parent}
    define viewer: viewer from parent`;

  test.each(['[folder:*]', '[folder, folder:*]'])(
    'A02: a tupleset that takes a wildcard is refused: %s',
    (parent) => refusesModel(withParent(parent)),
  );

  test.each([
    'other',
    '[folder] or other',
    '[folder] and other',
    '[folder] but not other',
    'other from other',
    '[folder#viewer]',
  ])('A03: a tupleset that is more than direct objects is refused: %s', (parent) =>
    refusesModel(withParent(parent)),
  );

  test('A04: rows below validation in a tupleset lead nowhere, in every manner', async () => {
    await holds({
      model: withParent('[folder]'),
      raw: [
        'document:1#parent@folder:*',
        'document:2#parent@folder:a#viewer',
        'document:3#parent@folder:a',
        'folder:a#viewer@user:anne',
      ],
      checks: {
        'document:1#viewer@user:anne': 'denied',
        'document:2#viewer@user:anne': 'denied',
        'document:3#viewer@user:anne': 'allowed',
        'document:1#parent@folder:a': 'denied',
      },
    });
  });

  test('A17: rows below validation without their condition never grant, in every manner', async () => {
    await holds({
      model: `
model
  schema 1.1
type user
type document
  relations
    define viewer: [user:* with brief, user with brief]
    define reader: viewer and viewer
condition brief(now: int) {
  now < 10
}`,
      raw: [
        'document:1#viewer@user:*',
        'document:2#viewer@user:anne',
        ['document:3#viewer@user:*', 'brief'],
        ['document:4#viewer@user:*', 'gone'],
      ],
      context: { now: 1 },
      checks: {
        'document:1#viewer@user:anne': 'denied',
        'document:1#reader@user:anne': 'denied',
        'document:1#viewer@user:*': 'denied',
        'document:2#viewer@user:anne': 'denied',
        'document:3#reader@user:anne': 'allowed',
        'document:4#viewer@user:anne': 'denied',
      },
    });
  });
});

describe('definitions in circles', () => {
  const relations = ['a', 'b', 'c', 'd'];

  /** Relations of one another, most of them with a circle; `parent` is a tupleset. */
  function circles(random: RandomSource): JsonObject {
    const rewrite = (depth: number): JsonObject => {
      const relation = random.pick(relations);
      switch (random.weighted({ this: 3, computed: 4, arrow: 3, set: depth < 3 ? 4 : 0 })) {
        case 'this':
          return { this: {} };
        case 'computed':
          return { computedUserset: { relation } };
        case 'arrow':
          return {
            tupleToUserset: { tupleset: { relation: 'parent' }, computedUserset: { relation } },
          };
        default: {
          const [left, right] = [rewrite(depth + 1), rewrite(depth + 1)];
          return random.pick<JsonObject>([
            { union: { child: [left, right] } },
            { intersection: { child: [left, right] } },
            { difference: { base: left, subtract: right } },
          ]);
        }
      }
    };
    const direct = { type: 'user' };
    const userset = { type: 'doc', relation: random.pick(relations) };
    const definitions = Object.fromEntries(relations.map((name) => [name, rewrite(0)]));
    const hasThis = (name: string) => JSON.stringify(definitions[name]).includes('"this"');
    return {
      schema_version: '1.1',
      type_definitions: [
        { type: 'user' },
        {
          type: 'doc',
          relations: { ...definitions, parent: { this: {} } },
          metadata: {
            relations: {
              parent: { directly_related_user_types: [{ type: 'doc' }] },
              ...Object.fromEntries(
                relations
                  .filter(hasThis)
                  .map((name) => [name, { directly_related_user_types: [direct, userset] }]),
              ),
            },
          },
        },
      ],
    };
  }

  test('A06: each is refused, or answers within its steps', async () => {
    const random = new RandomSource(6);
    const service = await opened();
    let [refused, answered] = [0, 0];
    for (let round = 0; round < 1_500; round++) {
      const model = circles(random);
      const store = await storeOf(service);
      const request = { store_id: store, ...model };
      const id = await service.ask('WriteAuthorizationModel', request).catch((error) => error);
      if (id instanceof Error) {
        expect((id as Refusal).code).toBe('invalid_authorization_model');
        refused++;
        continue;
      }
      const ids = ['1', '2', '3'];
      const tuples = new Set<string>();
      for (let i = 0; i < 8; i++) {
        const [object, relation] = [random.pick(ids), random.pick([...relations, 'parent'])];
        const userset = `doc:${random.pick(ids)}#${random.pick(relations)}`;
        const subject = relation === 'parent' ? `doc:${random.pick(ids)}` : userset;
        tuples.add(`doc:${object}#${relation}@${random.chance(0.4) ? 'user:anne' : subject}`);
      }
      await writeRaw(service.datastore, store as never, [...tuples]);
      for (const relation of relations) {
        const check = `doc:1#${relation}@user:anne`;
        const answer = await answerOf(service, store, { check, expected: '' });
        expect(['allowed', 'denied', 'authorization_model_resolution_too_complex']).toContain(
          answer,
        );
        answered++;
        if (round % 10 === 0) {
          await everyOtherWay(service, store, [{ check, expected: answer }]);
        }
      }
    }
    expect(refused).toBeGreaterThan(200);
    expect(answered).toBeGreaterThan(1_000);
  });

  test('A60: a circle of three types and more is closed, through usersets and arrows', async () => {
    const types = ['a', 'b', 'c', 'd', 'e'];
    const next = (type: string) => types[(types.indexOf(type) + 1) % types.length];
    const model = `
model
  schema 1.1
type user
${types
  .map(
    (type) => `type ${type}
  relations
    define parent: [${next(type)}]
    define member: [user, ${next(type)}#member]
    define viewer: [user] or viewer from parent`,
  )
  .join('\n')}`;
    const around = types.flatMap((type) => [
      `${type}:1#member@${next(type)}:1#member`,
      `${type}:1#parent@${next(type)}:1`,
    ]);
    await holds({
      model,
      tuples: [...around, 'd:1#member@user:anne', 'c:1#viewer@user:beth'],
      checks: Object.fromEntries(
        types.flatMap((type) => [
          [`${type}:1#member@user:anne`, 'allowed'],
          [`${type}:1#viewer@user:beth`, 'allowed'],
          [`${type}:1#member@user:beth`, 'denied'],
          [`${type}:1#member@e:1#member`, 'allowed'],
        ]),
      ),
    });
  });
});

describe('depth', () => {
  /** What a client gets over gRPC and over HTTP: bytes and JSON, which it must be able to read. */
  async function readable(service: TestService, name: string, request: JsonObject) {
    const method = service.methods.find(({ descriptor }) => descriptor.name === name);
    if (method?.kind !== 'unary') throw new Error(`${name} is no unary method`);
    const { input, output } = method.descriptor;
    const asked = fromJson(input, request);
    const bytes = toBinary(input, asked);
    const answer = await method.handle(fromBinary(input, bytes), callOf(name));
    const decoded = fromBinary(output, toBinary(output, answer));
    const json = toJson(output, decoded);
    expect(toJson(output, fromJson(output, json))).toEqual(json);
    return json as JsonObject;
  }

  const levels: [name: string, next: (inner: JsonObject) => JsonObject][] = [
    ['base', (base) => ({ difference: { base, subtract: { this: {} } } })],
    ['subtract', (subtract) => ({ difference: { base: { this: {} }, subtract } })],
    ['union', (inner) => ({ union: { child: [{ this: {} }, inner] } })],
    ['intersection', (inner) => ({ intersection: { child: [{ this: {} }, inner] } })],
  ];

  test.each(levels)('A60: the deepest %s that is taken can be read back', async (_, next) => {
    const service = await opened();
    const store_id = await storeOf(service);
    let rewrite: JsonObject = {
      tupleToUserset: { tupleset: { relation: 'a' }, computedUserset: { relation: 'a' } },
    };
    for (let depth = 1; depth < limits.rewriteDepthMax; depth++) rewrite = next(rewrite);
    const restriction = { directly_related_user_types: [{ type: 'doc' }] };
    const model = (viewer: JsonObject): JsonObject => ({
      store_id,
      schema_version: '1.1',
      type_definitions: [
        {
          type: 'doc',
          relations: { a: { this: {} }, viewer },
          metadata: { relations: { a: restriction, viewer: restriction } },
        },
      ],
    });
    const written = await readable(service, 'WriteAuthorizationModel', model(rewrite));
    const id = written.authorization_model_id as string;
    await readable(service, 'ReadAuthorizationModel', { store_id, id });
    await readable(service, 'ReadAuthorizationModels', { store_id });
    const target = { object: 'doc:1', relation: 'viewer' };
    await readable(service, 'Expand', { store_id, tuple_key: target });
    await readable(service, 'Check', { store_id, tuple_key: { ...target, user: 'doc:2' } });
    const refusal = await service.refusal('WriteAuthorizationModel', model(next(rewrite)));
    expect(refusal.code).toBe('invalid_authorization_model');
    expect(refusal.message).toContain(`more than ${limits.rewriteDepthMax} rewrites`);
  });

  test.each([
    ['lists', (inner: JsonValue): JsonValue => [inner]],
    ['objects', (inner: JsonValue): JsonValue => ({ a: inner })],
  ])('A60: the deepest context of %s that is taken can be read back', async (_, next) => {
    const service = await opened();
    const condition = {
      c: { name: 'c', expression: 'v != null', parameters: { v: { type_name: 'TYPE_NAME_ANY' } } },
    };
    const restriction = { directly_related_user_types: [{ type: 'user', condition: 'c' }] };
    const store_id = await filled(service, {
      model: {
        schema_version: '1.1',
        type_definitions: [
          { type: 'user' },
          {
            type: 'doc',
            relations: { viewer: { this: {} } },
            metadata: { relations: { viewer: restriction } },
          },
        ],
        conditions: condition,
      },
    });
    let value: JsonValue = 1;
    // The context itself is the first level.
    for (let depth = 1; depth < limits.contextDepthMax; depth++) value = next(value);
    const key = tupleKey('doc:1#viewer@user:anne');
    const tuple = { ...key, condition: { name: 'c', context: { v: value } } };
    await readable(service, 'Write', { store_id, writes: { tuple_keys: [tuple] } });
    const read = await readable(service, 'Read', { store_id });
    expect(read.tuples).toMatchObject([{ key: tuple }]);
    await readable(service, 'ReadChanges', { store_id });
    const checked = await readable(service, 'Check', {
      store_id,
      tuple_key: key,
      context: { v: value },
      contextual_tuples: { tuple_keys: [tuple] },
    });
    expect(checked.allowed).toBe(true);
    await readable(service, 'BatchCheck', {
      store_id,
      checks: [
        {
          tuple_key: key,
          correlation_id: 'q',
          context: { v: value },
          contextual_tuples: { tuple_keys: [tuple] },
        },
      ],
    });
    const models = await service.ask('ReadAuthorizationModels', { store_id });
    const [{ id }] = models.body.authorization_models;
    const assertion = {
      tuple_key: key,
      expectation: true,
      contextual_tuples: [tuple],
      context: { v: value },
    };
    const ofModel = { store_id, authorization_model_id: id };
    await readable(service, 'WriteAssertions', { ...ofModel, assertions: [assertion] });
    await readable(service, 'ReadAssertions', ofModel);
    const deeper = { ...tuple, condition: { name: 'c', context: { v: next(value) } } };
    await service.refusal('Write', { store_id, writes: { tuple_keys: [deeper] } });
  });
});

describe('texts', () => {
  const sample = `model
  schema 1.1
type user
type document
  relations
    define parent: [document]
    define viewer: [user, user:* with c] or (viewer from parent but not banned)
    define banned: [user]
condition c(x: int, y: list<string>) {
  x < 10 && y.exists(item, item == "a\\\\b")
}`;

  test('A59: a text with any end, hole or stray character is a model or is refused', async () => {
    const random = new RandomSource(59);
    const strays = ['\\', '\\\\', '"', "'", '{', '}', '(', ')', '[', ']', '#', '\u0000', '\ud800'];
    strays.push('\t', '\r', '\n', '💥', '/*', '//', '*', '<', '>', ',', 'define', 'from');
    const texts = strays.flatMap((stray) => [stray, sample + stray, `${sample}\n${stray}`]);
    texts.push('', '\\', 'model\\', '('.repeat(2_000), `${sample}\n#${'x'.repeat(262_144)}`);
    texts.push(`${sample.replace('[user]', `${'('.repeat(500)}[user]${')'.repeat(500)}`)}`);
    for (let i = 0; i < 400; i++) {
      const at = random.below(sample.length);
      const cut = random.pick([0, 1, 5]);
      texts.push(sample.slice(0, at) + random.pick(strays) + sample.slice(at + cut));
      if (i % 4 === 0) texts.push(sample.slice(0, at), `${sample.slice(0, at)}\\`);
    }
    let models = 0;
    for (const text of texts) {
      const outcome = await modelFromDsl(text).catch((error: unknown) => error);
      if (!(outcome instanceof Error)) models++;
      else expect(outcome, JSON.stringify(text.slice(0, 200))).toBeInstanceOf(Refusal);
    }
    expect(models).toBeGreaterThan(20);
    expect(models).toBeLessThan(texts.length / 2);
  });

  test('A61: a model printed as text and read again is the same model, or is not printed', async () => {
    let printed = 0;
    for (let seed = 0; seed < 500; seed++) {
      const [model] = randomWorld(seed, isValidModel, () => {}).models;
      const text = await modelToDsl(model).catch((error: unknown) => error);
      if (text instanceof Refusal) continue;
      const again = await modelFromDsl(text as string);
      expect(await modelToDsl(again)).toBe(text);
      expect(sameModel(parseModel(again), parseModel(model))).toBe(true);
      printed++;
    }
    expect(printed).toBeGreaterThan(20);
  });

  test('A61: what the text cannot say is refused: a condition without parameters', async () => {
    const direct = { directly_related_user_types: [{ type: 'user', condition: 'always' }] };
    const model = {
      schema_version: '1.1',
      type_definitions: [
        { type: 'user' },
        {
          type: 'document',
          relations: { viewer: { this: {} } },
          metadata: { relations: { viewer: direct } },
        },
      ],
      conditions: { always: { name: 'always', expression: 'true', parameters: {} } },
    };
    await expect(modelToDsl(model)).rejects.toThrow('no form in the DSL');
  });
});

describe('patterns', () => {
  const model = (expression: string) => `
model
  schema 1.1
type user
type document
  relations
    define viewer: [user with c]
    define not_viewer: known but not viewer
    define known: [user]
condition c(path: string, pattern: string) {
  ${expression}
}`;

  test('A63: a pattern that does not compile is an error, on neither side of `but not` a match', async () => {
    for (const pattern of ['*/admin', '(', '[a-', '(?<=a)b', 'a{2,1}', '\\', '(?P<']) {
      const service = await opened();
      const store = await filled(service, {
        model: model('path.matches(pattern)'),
        tuples: [
          ['document:1#viewer@user:anne', 'c', {}],
          'document:1#known@user:anne',
          'document:2#known@user:anne',
        ],
      });
      const context = { path: 'x/admin', pattern };
      await ask(service, store, [
        { check: 'document:1#viewer@user:anne', context, expected: 'validation_error' },
        { check: 'document:1#not_viewer@user:anne', context, expected: 'validation_error' },
        {
          check: 'document:2#not_viewer@user:anne',
          context,
          expected: 'allowed',
          listed: 'validation_error',
        },
        {
          check: 'document:1#viewer@user:anne',
          context: { ...context, pattern: '.*/admin$' },
          expected: 'allowed',
        },
        {
          check: 'document:1#viewer@user:anne',
          context: { ...context, pattern: '^admin' },
          expected: 'denied',
        },
      ]);
    }
  });

  test('A63: a bad pattern in the condition itself never matches either', async () => {
    const service = await opened();
    const store = await storeOf(service);
    const definition = (await modelFromDsl(
      model("path.matches('*/admin') || pattern == ''"),
    )) as JsonObject;
    const request = { store_id: store, ...definition };
    const written = await service.ask('WriteAuthorizationModel', request).catch((error) => error);
    if (written instanceof Error) {
      expect((written as Refusal).code).toBe('invalid_authorization_model');
      return;
    }
    await service.ask('Write', {
      store_id: store,
      writes: {
        tuple_keys: [
          { ...tupleKey('document:1#viewer@user:anne'), condition: { name: 'c', context: {} } },
        ],
      },
    });
    const check = 'document:1#viewer@user:anne';
    const context = { path: 'x/admin', pattern: 'x' };
    await ask(service, store, [{ check, context, expected: 'validation_error' }]);
  });
});
