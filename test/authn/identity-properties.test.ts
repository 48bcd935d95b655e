/** What holds of every mapping, whatever the claims say: tried on many that were made at random. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { joinContext } from '../../src/authn/identity/decisions.ts';
import { formatMapped, objectOf } from '../../src/authn/identity/id-text.ts';
import { Identity } from '../../src/authn/identity/identity.ts';
import { parseObject, parseSubject } from '../../src/model/tuple.ts';
import { exampleFile, issuer, now } from './identity-fixture.ts';

/** The long form is asked for by name: `PEMBA_TEST_RUNS=200000`. */
const runs = Number(process.env.PEMBA_TEST_RUNS ?? 500);
const seeded = { seed: 20_261_122, numRuns: runs };

const file = new Identity(exampleFile);

/** Texts that are as like as can be to what means something in a tuple. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ unit: fc.constantFrom('*', '#', ':', '@', '|', '/', '+', '2', 'a', ' ', '%', '\\') }),
  fc.constantFrom('*', 'user:*', 'a#b', 'bob#member', '__proto__', 'corp|x', '..', '+2a', '\ud800'),
);

const claim = fc.oneof(hostile, fc.array(hostile, { maxLength: 5 }), fc.jsonValue({ maxDepth: 3 }));
const claims = fc.dictionary(
  fc.constantFrom(
    ...['sub', 'groups', 'roles', 'org_id', 'scope', 'acr', 'amr', 'auth_time', 'act'],
    ...['email_verified', '_claim_names', 'hasgroups', '__proto__', 'constructor'],
  ),
  claim,
);
/** Mostly mapped: of the fields that must have a form, these have it. */
const mappable = fc.record(
  {
    sub: hostile,
    groups: fc.array(hostile, { maxLength: 5 }),
    roles: fc.array(hostile, { maxLength: 3 }),
    org_id: hostile,
    acr: hostile,
    scope: hostile,
    act: fc.record({ sub: hostile }),
  },
  { requiredKeys: ['sub', 'org_id'] },
);

test('every tuple is about the mapped subject, which is one object', () => {
  let mapped = 0;
  fc.assert(
    fc.property(fc.oneof(mappable, claims), (each) => {
      const outcome = file.map(issuer, each, now);
      if (outcome.kind === 'refused') return;
      mapped++;
      const { subject, actor, tuples, context } = outcome.identity;
      for (const object of [subject, ...(actor === undefined ? [] : [actor])]) {
        const text = formatMapped(object);
        expect(parseSubject(text)).toEqual({ ...object, relation: '' });
        expect(object.id).toMatch(/^[A-Za-z0-9_|@.+/-]+$/);
        expect(object.id).not.toBe('*');
      }
      expect(subject.id.startsWith('corp|')).toBe(true);
      for (const tuple of tuples) {
        expect(tuple.subject).toEqual(subject);
        expect(parseObject(formatMapped(tuple.object))).toEqual(tuple.object);
        expect(['group', 'role', 'org']).toContain(tuple.object.type);
        expect(tuple.object.id).not.toContain('*');
      }
      for (const name of Object.keys(context)) expect(name).toMatch(/^token_/);
      expect(() => JSON.stringify(context)).not.toThrow();
    }),
    seeded,
  );
  expect(mapped).toBeGreaterThan(runs / 5);
});

test('nothing that a request says changes what the token says', () => {
  const name = fc.oneof(
    fc.constantFrom('token_acr', 'token_amr', 'token_x', '__proto__', 'constructor', 'amount'),
    fc.string(),
  );
  const context = fc.dictionary(name, fc.jsonValue({ maxDepth: 2 }));
  const reserved = (of: object) => Object.entries(of).filter(([each]) => each.startsWith('token_'));
  fc.assert(
    fc.property(fc.dictionary(name, fc.jsonValue()), context, (request, other) => {
      const mapped = Object.fromEntries(reserved(other));
      const joined = joinContext(request as never, mapped as never);
      expect(reserved(joined)).toEqual(reserved(mapped));
      expect(reserved(joinContext(request as never, undefined))).toEqual([]);
      for (const [key, value] of Object.entries(request)) {
        if (!key.startsWith('token_')) expect(Object.entries(joined)).toContainEqual([key, value]);
      }
    }),
    seeded,
  );
});

/** The parts that an id was made of: the other way round, as nobody in Pemba needs it. */
function partsOf(id: string): string[] {
  return id.split('/').map((part) =>
    Buffer.from(
      part.replace(/\+([0-9a-f]{2})|[^+]/g, (spelled, hex?: string) =>
        hex === undefined ? Buffer.from(spelled).toString('hex') : hex,
      ),
      'hex',
    ).toString('utf8'),
  );
}

test('an id says exactly its parts, so no two lists of parts have one id', () => {
  const part = hostile.filter((text) => text !== '' && text.isWellFormed());
  const seen = new Map<string, string>();
  let collisions = 0;
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 3 }), (parts) => {
      const object = objectOf('user', undefined, parts);
      if (object === 'id_too_long') return;
      if (typeof object === 'string') throw new Error(object);
      expect(partsOf(object.id)).toEqual(parts);
      const text = JSON.stringify(parts);
      if ((seen.get(object.id) ?? text) !== text) collisions++;
      seen.set(object.id, text);
    }),
    seeded,
  );
  expect(collisions).toBe(0);
  expect(seen.size).toBeGreaterThan(runs / 4);
});
