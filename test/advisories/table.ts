/**
 * Every published failure of the field, by id, and where ours is proved to be without it. A01 to
 * A27 are OpenFGA's, A30 to A43 SpiceDB's, A50 to A63 those of Keto, Permify, Cedar, OPA and Casbin;
 * the names after them are classes of bugs that their changelogs are full of, and those of tokens.
 * What waits for a part that does not exist yet is listed too, so that nothing is forgotten.
 */

/** A part that is still to come; its tests must take over what waits for it. */
export type Part = 'caches' | 'postgres' | 'playground';

export type Standing =
  | {
      readonly state: 'tested';
      /** Test files with the id at the beginning of a title. */
      readonly in: readonly string[];
      /** Parts that must prove it again of themselves. */
      readonly again?: readonly Part[];
    }
  | { readonly state: 'pending'; readonly until: readonly Part[] }
  | { readonly state: 'not applicable'; readonly why: string };

const advisories = 'test/advisories';
const answers = `${advisories}/answers.test.ts`;
const cursors = `${advisories}/cursors.test.ts`;
const lists = `${advisories}/lists.test.ts`;
const keys = `${advisories}/keys.test.ts`;
const models = `${advisories}/models.test.ts`;
const server = `${advisories}/server.test.ts`;
const secrets = `${advisories}/secrets.test.ts`;
const storage = `${advisories}/storage.test.ts`;
const graphs = `${advisories}/graphs.test.ts`;
const tokens = `${advisories}/tokens.test.ts`;
const authn = (name: string) => `test/authn/${name}.test.ts`;
const engine = (name: string) => `test/engine/${name}.test.ts`;

function tested(files: readonly string[], again: readonly Part[] = []): Standing {
  return { state: 'tested', in: files, again };
}

function pending(...until: readonly Part[]): Standing {
  return { state: 'pending', until };
}

export const standings: Readonly<Record<string, Standing>> = {
  A01: tested(['test/server/doors.test.ts']),
  A02: tested([models]),
  A03: tested([models]),
  A04: tested([models, engine('tuples')]),
  A05: tested([answers, engine('tuples'), engine('expand')]),
  A06: tested([models]),
  A07: tested([engine('lists')]),
  A08: tested([lists, 'test/service/lists.test.ts']),
  A09: tested([lists]),
  A10: tested([server, lists, engine('cycles')]),
  A11: tested([answers]),
  A12: tested([keys, graphs], ['caches']),
  A13: tested([answers, engine('check')]),
  A14: tested([answers, engine('cycles'), graphs], ['caches']),
  A15: tested([lists, engine('tuples'), engine('lists')]),
  A16: tested([lists, engine('check')]),
  A17: tested([models, engine('tuples')]),
  A18: tested([answers]),
  A19: tested([keys, graphs], ['caches']),
  A20: tested([keys, graphs], ['caches']),
  A21: tested([secrets], ['playground']),
  A22: tested([keys, graphs], ['caches']),
  A23: tested([keys, graphs], ['caches']),
  A24: tested([answers, graphs], ['postgres']),
  A25: tested([tokens]),
  A26: tested([engine('lists')]),
  A27: tested([tokens, secrets]),

  A30: tested([answers]),
  A31: tested([server, secrets]),
  A32: tested(['test/service/lists.test.ts']),
  A33: tested([server, secrets], ['postgres']),
  A34: tested([engine('linear'), engine('lists'), graphs]),
  A35: tested([answers, engine('lists')]),
  A36: tested([answers, engine('check'), engine('lists')]),
  A37: tested([lists, engine('conditions')]),
  A38: tested([answers, engine('conditions')]),
  A39: tested([storage], ['postgres']),
  A40: tested([answers]),
  A41: tested([storage, cursors], ['postgres']),
  A42: tested([keys, graphs], ['caches']),
  A43: tested([keys, graphs], ['caches']),

  A50: tested([storage], ['postgres']),
  A51: tested([lists, engine('limits')]),
  A52: tested([answers]),
  A53: tested([storage, lists], ['postgres']),
  A54: tested([storage, graphs], ['postgres']),
  A55: tested([storage], ['postgres']),
  A56: tested([storage, graphs], ['postgres']),
  A57: tested([storage, graphs], ['postgres']),
  A58: tested([lists, engine('limits')]),
  A59: tested([models]),
  A60: tested([models]),
  A61: tested([models]),
  A62: tested([server], ['playground']),
  A63: tested([models]),

  'stale caches': tested([storage, graphs], ['caches', 'postgres']),
  'results cached on cancel': tested([server, lists, engine('interrupt'), graphs], ['caches']),
  'key collisions': tested([keys, graphs], ['caches']),
  'sort assumption': tested([answers, graphs], ['postgres']),
  'missed results': tested([answers, graphs]),
  'revision order': tested([storage, graphs], ['postgres']),
  replicas: pending('postgres'),
  // A check waits for nothing; long lists share a few snapshots.
  deadlocks: tested([lists], ['postgres']),
  'hung dependency': pending('postgres'),
  leaks: tested([server, graphs], ['caches', 'postgres']),
  panics: tested([server]),
  'pools and proxies': pending('postgres'),
  'clocks and GC': tested([storage], ['postgres']),
  'limits that are not what they say': tested(['test/base/limits.test.ts']),
  'condition types': tested([keys]),
  'page tokens': tested([storage, cursors], ['postgres']),
  rollback: tested([storage], ['postgres']),

  // Those of verifiers of tokens, with `jose` or without.
  'algorithm confusion': tested([tokens]),
  'algorithms by default': tested([tokens]),
  'claims that are not required': tested([tokens]),
  'issuer and audience': tested([tokens]),
  'key ids and keys in headers': tested([tokens]),
  'key rotation': tested([authn('keys'), authn('provider')]),
  'unknown key ids': tested([authn('keys')]),
  'issuer outage': tested([authn('keys'), authn('provider')]),
  'key set content': tested([authn('keys')]),
  'clock skew': tested([authn('verifier')]),
  'token type': tested([tokens]),
  'huge tokens': tested([tokens]),
  'encrypted tokens': tested([tokens]),
  'tokens as keys of a cache': tested([tokens]),
  'size of keys': tested([tokens]),
};
