/** A service with an identity file, an issuer with real keys, and tokens that it signed. */
import { IdentitySource } from '../../src/authn/identity/source.ts';
import { Verifier } from '../../src/authn/verifier.ts';
import { modelFromDsl } from '../../src/model/dsl.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import { KeyServer } from '../authn/key-server.ts';
import { ecKey, publicJwk, signToken, type TestKey } from '../authn/signing.ts';
import { audience } from '../authn/world.ts';
import { serviceOver, type TestService, testClock, tupleKey } from './harness.ts';

export const model = `model
  schema 1.1
type user
type agent
type group
  relations
    define member: [user, agent]
type org
  relations
    define member: [user]
type doc
  relations
    define org: [org]
    define viewer: [user, user:*, agent, group#member] or member from org
    define blocked: [group#member]
    define can_view: viewer but not blocked
    define can_edit: viewer
    define can_close: viewer
    define secret: [user with strong]
    define rated: [user, user with strong]
condition strong(token_acr: string, level: string) {
  token_acr == level
}
`;

const key = ecKey('subjects');
/** In no key set. */
export const stranger: TestKey = ecKey('subjects');

export interface SubjectWorld extends TestService {
  readonly store: string;
  readonly source: IdentitySource;
  readonly verifier: Verifier;
  readonly issuer: string;
  /** Of alice, in the group eng, but for what is given. */
  token(claims?: object, by?: TestKey): string;
  /** Writes by a service that has no identity file. */
  writeUnguarded(tuples: readonly object[]): Promise<void>;
  write(...tuples: string[]): Promise<void>;
  setFile(text: string): Promise<void>;
}

export interface FileParts {
  readonly binding?: string;
  readonly map?: string;
  readonly more?: string;
}

export function fileOf(issuer: string, { binding = 'verify', map, more }: FileParts): string {
  return `version: 1
issuers:
  - issuer: ${issuer}
    audiences: [${audience}]
    algorithms: [ES256]
    map: people
maps:
  people:
${
  map ??
  `    subject: { type: user, id: claims.sub }
    actor: { type: agent, id: claims.?act.?sub, mode: both }
    tuples:
      - { each: claims.?groups, relation: member, object: { type: group, id: item } }
      - { when: has(claims.org), relation: member, object: { type: org, id: claims.org }, authority: token }
    context:
      token_acr: claims.?acr.orValue('')
      token_age: now - int(claims.?auth_time.orValue(0))
      token_desk: claims.?desk.orValue('')`
}
${
  more ??
  `scope_ceiling: [{ relation: can_edit, any: [docs.write, docs.admin] }]
step_up: [{ type: doc, relation: can_close, acr_any: [high, higher], max_age: 300 }]`
}
subject_binding: ${binding}
`;
}

export async function openSubjectWorld(parts: FileParts = {}): Promise<SubjectWorld> {
  const server = await KeyServer.open();
  server.keys = [publicJwk(key)];
  const clock = testClock();
  let text = fileOf(server.issuer, parts);
  const source = await IdentitySource.open(async () => text);
  const verifier = new Verifier(source.identity.issuers, { clock });
  const datastore = await openSqlite({ path: ':memory:', clock });
  const service = serviceOver(datastore, clock, { identity: { verifier, source } });
  const unguarded = serviceOver(datastore, clock);
  const store: string = (await service.ask('CreateStore', { name: 'subjects' })).body.id;
  await service.ask('WriteAuthorizationModel', {
    store_id: store,
    ...((await modelFromDsl(model)) as object),
  });
  const writeUnguarded = async (tuple_keys: readonly object[]) => {
    await unguarded.ask('Write', { store_id: store, writes: { tuple_keys } as never });
  };
  return {
    ...service,
    store,
    source,
    verifier,
    issuer: server.issuer,
    token(claims = {}, by = key) {
      const now = Math.floor(clock.time / 1_000);
      const times = { iat: now, exp: now + 3_600 };
      const who = { iss: server.issuer, aud: audience, sub: 'alice', groups: ['eng'] };
      return signToken(by, { ...who, ...times, ...claims });
    },
    writeUnguarded,
    write: (...tuples) => writeUnguarded(tuples.map(tupleKey)),
    async setFile(next) {
      text = next;
      await source.reload();
    },
    async close() {
      await service.close();
      await server.stop();
    },
  };
}
