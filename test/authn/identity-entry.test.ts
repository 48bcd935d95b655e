/** `pemba/identity`: the file in a program of one's own, beside a server that knows nothing of it. */
import type { JsonObject } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { IdentityFileError, identity, MappingRefusal, Refusal } from '../../src/identity.ts';
import { filled } from '../advisories/manners.ts';
import { openService } from '../service/harness.ts';
import { exampleClaims, exampleFile, fileWith, issuer, now, plainMap } from './identity-fixture.ts';
import { keys, openWorld } from './world.ts';

const clock = { now: () => now, monotonic: () => 0 };
const union = { authority: 'union' } as const;

test('claims become contextual tuples in the spelling of the wire', () => {
  const user = 'user:corp|auth0|6f3a';
  expect(identity(exampleFile, clock).contextual(exampleClaims, union)).toEqual({
    users: [user, 'agent:agent-7'],
    contextualTuples: [
      { user, relation: 'member', object: 'group:eng' },
      { user, relation: 'member', object: 'group:Domain+20Admins' },
      { user, relation: 'assignee', object: 'role:acme/editor' },
      { user, relation: 'member', object: 'org:acme' },
    ],
    context: {
      token_acr: 'urn:pemba:loa:1',
      token_amr: ['pwd'],
      token_auth_age: 77,
      token_scopes: ['fga.check', 'docs.read'],
    },
  });
});

test('a check over the wire decides by them', async () => {
  const service = await openService();
  const model = `model
  schema 1.1
type user
type group
  relations
    define member: [user]
type document
  relations
    define viewer: [group#member with fresh]
condition fresh(token_auth_age: int) {
  token_auth_age < 100
}`;
  const tuples = [['document:1#viewer@group:Domain+20Admins#member', 'fresh'] as const];
  const store = await filled(service, { model, tuples });
  const file = identity(
    fileWith(`${plainMap}
    tuples: [{ each: claims.?groups, relation: member, object: { type: group, id: item } }]
    context: { token_auth_age: 'now - int(claims.?auth_time.orValue(0))' }`),
    clock,
  );
  const ask = async (claims: object) => {
    const { users, contextualTuples, context } = file.contextual({ iss: issuer, ...claims });
    const { body } = await service.ask('Check', {
      store_id: store,
      tuple_key: { user: users[0] ?? '', relation: 'viewer', object: 'document:1' },
      contextual_tuples: { tuple_keys: contextualTuples.map((tuple) => ({ ...tuple })) },
      context: context as JsonObject,
    });
    return body.allowed === true;
  };
  const { auth_time } = exampleClaims;
  expect(await ask({ sub: 'a', groups: ['Domain Admins'], auth_time })).toBe(true);
  expect(await ask({ sub: 'a', groups: ['Domain Admins'] })).toBe(false);
  expect(await ask({ sub: 'a', groups: ['eng'], auth_time })).toBe(false);
  expect(await ask({ sub: '*', groups: ['Domain+20Admins'], auth_time })).toBe(false);
});

test('what a server without Pemba cannot hold is refused, unless it is said', () => {
  expect(() => identity(exampleFile, clock).contextual(exampleClaims)).toThrow(
    'authority_not_supported: `authority: token` of `org#member`',
  );
});

test.each([
  [limits.contextualTuplesMax - 1, true],
  [limits.contextualTuplesMax, true],
  [limits.contextualTuplesMax + 1, false],
])('%d tuples fit the wire: %s', (count, passes) => {
  const groups = Array.from({ length: count }, (_, i) => `g${i}`);
  const file = fileWith(
    `${plainMap}\n    tuples: [{ each: claims.groups, relation: member, object: { type: group, id: item } }]`,
  );
  const ask = () => identity(file, clock).contextual({ iss: issuer, sub: 'a', groups });
  if (passes) expect(ask().contextualTuples).toHaveLength(count);
  else expect(ask).toThrow('too_many_contextual_tuples');
});

test('every refusal is one, with its code', () => {
  const file = identity(fileWith(plainMap), clock);
  for (const claims of [{ iss: issuer }, { sub: 'a' }, { iss: 7, sub: 'a' }, []]) {
    expect(() => file.contextual(claims)).toThrow(MappingRefusal);
    expect(() => file.contextual(claims)).toThrow(Refusal);
  }
  expect(() => identity('version: 2')).toThrow(IdentityFileError);
});

test('a token is verified before it is anything', async () => {
  await using world = await openWorld();
  const text = fileWith(`${plainMap}
    tuples: [{ each: claims.?groups, relation: member, object: { type: group, id: item } }]`);
  const file = identity(text.replace(issuer, world.issuer.issuer), world.clock);
  const claims = await file.verify(world.token({ groups: ['eng'] }));
  expect(file.contextual(claims)).toEqual({
    users: ['user:alice'],
    contextualTuples: [{ user: 'user:alice', relation: 'member', object: 'group:eng' }],
    context: {},
  });
  for (const token of [
    '',
    world.token({ aud: 'https://other.example' }),
    world.token({ exp: world.clock.seconds - 60 }),
    world.token({}, { typ: 'JWT' }),
    world.token({}, {}, keys.stranger),
    world.token({ iss: world.other.issuer }),
  ]) {
    await expect(file.verify(token)).rejects.toThrow(Refusal);
  }
});
