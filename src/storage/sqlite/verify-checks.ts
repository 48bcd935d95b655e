/**
 * What must hold in a file beyond what SQLite's own integrity check proves (pages, and that every
 * index agrees with its table), as queries that return the rows where it does not. Each row is a
 * store key and a text that says where. Stores being purged are left out: they are half gone. The
 * changelog is read from `logged`, where `verify-changes.ts` has unpacked it, and names by id from
 * `named`, where `verify-names.ts` has.
 */
import { noCondition } from '../tuple-reader.ts';
import { deletedGuard, expiredGuard } from './change-pack.ts';
import { never, storeTables } from './schema.ts';

export type ProblemKind =
  | 'damage'
  | 'reference'
  | 'interning'
  | 'changelog'
  | 'revision'
  | 'expiry'
  | 'time'
  | 'ownership';

export interface FileCheck {
  readonly kind: ProblemKind;
  /** What is wrong with the rows that the query returns. */
  readonly says: string;
  readonly sql: string;
}

/** Tuples with what their kinds say. */
export const keyedTuples = `CREATE TEMP VIEW keyed AS
  SELECT tuple.store, object, object_type, relation, subject, subject_type, subject_relation, guard,
    revision
  FROM tuple JOIN kind ON kind.store = tuple.store AND kind.id = tuple.kind`;

const live = 'store IN (SELECT key FROM store)';
const place = `'object ' || object || ' relation ' || relation || ' subject ' || subject ||
  '#' || subject_relation`;

/** `from.column` names a row of `to.id`; 0 and below stand for none where `optional`. */
interface Reference {
  readonly from: string;
  readonly column: string;
  readonly to: string;
  readonly id: string;
  readonly optional: boolean;
}

const references: readonly Reference[] = [
  ...['tuple', 'logged'].flatMap((from) => [
    { from, column: 'object', to: 'named', id: 'id', optional: false },
    { from, column: 'subject', to: 'named', id: 'id', optional: false },
    { from, column: 'guard', to: 'guard', id: 'id', optional: true },
    { from, column: 'revision', to: 'revision', id: 'revision', optional: false },
  ]),
  ...['kind', 'logged'].flatMap((from) => [
    { from, column: 'object_type', to: 'symbol', id: 'id', optional: false },
    { from, column: 'relation', to: 'symbol', id: 'id', optional: false },
    { from, column: 'subject_relation', to: 'symbol', id: 'id', optional: true },
  ]),
  { from: 'kind', column: 'subject_type', to: 'symbol', id: 'id', optional: false },
  { from: 'tuple', column: 'kind', to: 'kind', id: 'id', optional: false },
  { from: 'named', column: 'type', to: 'symbol', id: 'id', optional: false },
  { from: 'guard', column: 'condition', to: 'symbol', id: 'id', optional: true },
  { from: 'model', column: 'revision', to: 'revision', id: 'revision', optional: false },
  { from: 'assertion', column: 'revision', to: 'revision', id: 'revision', optional: false },
  { from: 'idempotency', column: 'revision', to: 'revision', id: 'revision', optional: true },
];

const referenceChecks = references.map(({ from, column, to, id, optional }): FileCheck => {
  const given = optional ? `AND holder.${column} > 0` : '';
  return {
    kind: 'reference',
    says: `${from}.${column} names no ${to}`,
    sql: `SELECT holder.store, holder.${column} FROM ${from} AS holder
      LEFT JOIN ${to} AS target
        ON target.store = holder.store AND target.${id} = holder.${column}
      WHERE holder.${live} AND target.${id} IS NULL ${given}`,
  };
});

/** The type that a row, or its kind, repeats, against that of its entity. */
const typeChecks = [
  ['keyed', 'object', 'object_type'],
  ['keyed', 'subject', 'subject_type'],
  ['logged', 'object', 'object_type'],
].map(
  ([from, column, type]): FileCheck => ({
    kind: 'reference',
    says: `${from}.${type} is not the type of its ${column}`,
    sql: `SELECT holder.store, holder.${column} FROM ${from} AS holder
      JOIN named ON named.store = holder.store AND named.id = holder.${column}
      WHERE holder.${live} AND named.type <> holder.${type}`,
  }),
);

/** Ids begin at 1, have no gaps, and end at the store's counter. */
const counterChecks = [
  ['symbol', 'symbols'],
  ['entity_by_name', 'entities'],
  ['named', 'entities'],
  ['guard', 'guards'],
  ['kind', 'kinds'],
].map(
  ([table, counter]): FileCheck => ({
    kind: 'interning',
    says: `the ids of ${table} are not 1 to the store's counter`,
    sql: `SELECT store.key, count(${table}.id) || ' rows up to ' || coalesce(max(${table}.id), 0) ||
        ', counter ' || store.${counter}
      FROM store LEFT JOIN ${table} ON ${table}.store = store.key
      GROUP BY store.key
      HAVING count(${table}.id) <> store.${counter}
        OR coalesce(max(${table}.id), 0) <> store.${counter}
        OR coalesce(min(${table}.id), 1) <> 1`,
  }),
);

const ownershipChecks = storeTables.map(
  (table): FileCheck => ({
    kind: 'ownership',
    says: `${table} has rows of a store that does not exist`,
    sql: `SELECT DISTINCT store, 'store key ' || store FROM ${table}
      WHERE store NOT IN (SELECT key FROM store UNION ALL SELECT store FROM purge)`,
  }),
);

/** Every change beside those before and after it of the same tuple. */
const history = `SELECT *, lag(guard) OVER one AS before, lead(guard) OVER one AS after
  FROM logged WHERE ${live}
  WINDOW one AS (PARTITION BY store, object, relation, subject_relation, subject
    ORDER BY revision, position)`;
const stateColumns =
  'store, object, relation, subject_relation, subject, object_type, guard, revision';
const replayed = `SELECT ${stateColumns} FROM (${history}) WHERE after IS NULL AND guard >= 0`;
const stored = `SELECT ${stateColumns} FROM keyed WHERE ${live}`;

const changelogChecks: readonly FileCheck[] = [
  {
    kind: 'changelog',
    says: 'the log has a tuple that is not stored so',
    sql: `SELECT store, ${place} || ' at revision ' || revision FROM (${replayed} EXCEPT ${stored})`,
  },
  {
    kind: 'changelog',
    says: 'a stored tuple is not what the log says',
    sql: `SELECT store, ${place} || ' of revision ' || revision FROM (${stored} EXCEPT ${replayed})`,
  },
  {
    kind: 'changelog',
    says: 'the log writes a tuple as it is already, or deletes one that does not exist',
    sql: `SELECT store, ${place} || ' at revision ' || revision FROM (${history})
      WHERE iif(guard >= 0, before = guard, coalesce(before, ${deletedGuard}) < 0)`,
  },
  {
    kind: 'changelog',
    says: 'the changes of a revision are not numbered 0, 1, 2 and so on',
    sql: `SELECT store, 'revision ' || revision FROM logged WHERE ${live}
      GROUP BY store, revision HAVING min(position) <> 0 OR max(position) <> count(*) - 1`,
  },
  {
    kind: 'changelog',
    says: 'the types of a revision do not match its changes',
    sql: `SELECT store, 'revision ' || revision || ' type ' || object_type FROM (
      SELECT * FROM (
        SELECT DISTINCT store, revision, object_type FROM logged WHERE ${live}
        EXCEPT SELECT store, revision, object_type FROM change_type)
      UNION ALL SELECT * FROM (
        SELECT store, revision, object_type FROM change_type WHERE ${live}
        EXCEPT SELECT store, revision, object_type FROM logged))`,
  },
];

const revisionChecks: readonly FileCheck[] = [
  {
    kind: 'revision',
    says: "revisions are not 1, 2, 3 up to the store's",
    sql: `SELECT store.key, count(revision.revision) || ' revisions up to ' ||
        coalesce(max(revision.revision), 0) || ', the store is at ' || store.revision
      FROM store LEFT JOIN revision ON revision.store = store.key
      GROUP BY store.key
      HAVING count(revision.revision) <> store.revision
        OR coalesce(max(revision.revision), 0) <> store.revision
        OR coalesce(min(revision.revision), 1) <> 1`,
  },
  {
    kind: 'time',
    says: 'a revision was committed before the one it follows',
    sql: `SELECT store, 'revision ' || revision FROM (
      SELECT store, revision, committed_at,
        lag(committed_at) OVER (PARTITION BY store ORDER BY revision) AS before
      FROM revision WHERE ${live}) WHERE committed_at < before`,
  },
  {
    kind: 'time',
    says: "the store's newest time is not that of its newest revision",
    sql: `SELECT store.key, 'revision ' || store.revision FROM store
      JOIN revision ON revision.store = store.key AND revision.revision = store.revision
      WHERE revision.committed_at <> store.committed_at`,
  },
];

/** Tuples that expire, as they are, and as they are listed for the collector. */
const expiring = `SELECT tuple.store, object, kind, subject, expires_at
  FROM tuple JOIN guard ON guard.store = tuple.store AND guard.id = tuple.guard
  WHERE tuple.${live} AND expires_at <> ${never}`;
const listed = `SELECT store, object, kind, subject, expires_at FROM expiry WHERE ${live}`;
const listedPlace = "'object ' || object || ' kind ' || kind || ' subject ' || subject";

const expiryChecks: readonly FileCheck[] = [
  {
    kind: 'expiry',
    says: 'a tuple that expires would never be collected',
    sql: `SELECT store, ${listedPlace} FROM (${expiring} EXCEPT ${listed})`,
  },
  {
    kind: 'expiry',
    says: 'a tuple would be collected that does not expire then',
    sql: `SELECT store, ${listedPlace} FROM (${listed} EXCEPT ${expiring})`,
  },
  {
    kind: 'expiry',
    says: 'the log says that a tuple expired which had not',
    sql: `SELECT past.store, ${place} || ' at revision ' || past.revision
      FROM (${history}) AS past
      LEFT JOIN guard ON guard.store = past.store AND guard.id = past.before
      JOIN revision ON revision.store = past.store AND revision.revision = past.revision
      WHERE past.guard = ${expiredGuard}
        AND (coalesce(expires_at, ${never}) = ${never} OR expires_at > committed_at)`,
  },
  {
    kind: 'interning',
    says: 'a guard guards nothing',
    sql: `SELECT store, 'guard ' || id FROM guard WHERE ${live}
      AND (expires_at < ${never} OR condition < ${noCondition}
        OR (condition = ${noCondition} AND (expires_at = ${never} OR context <> '{}')))`,
  },
];

const nameColumns = 'store, id, type, name';
const byName = `SELECT ${nameColumns} FROM entity_by_name WHERE ${live}`;
const byId = `SELECT ${nameColumns} FROM named`;

const nameChecks: readonly FileCheck[] = [
  {
    kind: 'interning',
    says: 'an entity is not found by its name',
    sql: `SELECT store, 'entity ' || id FROM (${byId} EXCEPT ${byName})`,
  },
  {
    kind: 'interning',
    says: 'an entity does not have the name by which it is found',
    sql: `SELECT store, 'entity ' || id FROM (${byName} EXCEPT ${byId})`,
  },
];

const contentChecks: readonly FileCheck[] = [
  {
    kind: 'interning',
    says: 'a stored context is not a JSON object',
    sql: `SELECT store, 'guard ' || id FROM guard WHERE ${live}
      AND (NOT json_valid(context) OR json_type(context) <> 'object')`,
  },
  {
    kind: 'interning',
    says: 'a model names what was not interned',
    sql: `SELECT model.store, 'model ' || model.id || ' name ' || name.value
      FROM model, json_each(model.names) AS name
      WHERE model.${live} AND NOT EXISTS (
        SELECT 1 FROM symbol WHERE symbol.store = model.store AND symbol.text = name.value)`,
  },
];

export const fileChecks: readonly FileCheck[] = [
  ...ownershipChecks,
  ...referenceChecks,
  ...typeChecks,
  ...counterChecks,
  ...nameChecks,
  ...contentChecks,
  ...changelogChecks,
  ...expiryChecks,
  ...revisionChecks,
];
