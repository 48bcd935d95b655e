/**
 * How tuples are found by a filter: as a range of one of the two indexes, kind by kind where an object
 * or a subject is given, so that a page costs the same however far in it is. Reads, preconditions and
 * deletes by filter find them in the same way.
 */
import type { JsonValue } from '../../base/json.ts';
import type { TupleFilter } from '../datastore.ts';
import { forwardIndex, never, reverseIndex } from './schema.ts';

export type Column =
  | 'object'
  | 'relation'
  | 'subject_type'
  | 'subject_relation'
  | 'subject'
  | 'object_type';

/** Columns in the order of which tuples have their one place in a store. */
type Place = 'object' | 'kind' | 'subject';

/** What a row of any query on tuples begins with. */
export const rowColumns: readonly (Column | 'kind')[] = [
  'object',
  'kind',
  'subject',
  'object_type',
  'relation',
  'subject_type',
  'subject_relation',
];

/** The same as SQL. */
export const rowSql = rowColumns.map(sqlName).join(', ');

/** The columns of the two indexes after the store. */
const forward: readonly Place[] = ['object', 'kind', 'subject'];
const reverse: readonly Place[] = ['subject', 'kind', 'object'];

/** The filter in ids. */
export type Wanted = ReadonlyMap<Column, number>;

/** Where the ids of a store's texts come from; 0 where there is none. */
export interface FindIds {
  symbol(text: string): number;
  entity(type: number, name: string): number;
}

/** undefined: a text of the filter was never written, so nothing matches. */
export function wantedIds(ids: FindIds, filter: TupleFilter): Wanted | undefined {
  const wanted = new Map<Column, number>();
  const { objectType, objectId, relation, subject, subjectType } = filter;
  if (objectType !== undefined) {
    const type = ids.symbol(objectType);
    wanted.set('object_type', type);
    if (objectId !== undefined) wanted.set('object', ids.entity(type, objectId));
  }
  if (relation !== undefined) wanted.set('relation', ids.symbol(relation));
  if (subjectType !== undefined) wanted.set('subject_type', ids.symbol(subjectType));
  if (subject !== undefined) {
    const type = ids.symbol(subject.type);
    wanted.set('subject_type', type).set('subject', ids.entity(type, subject.id));
    if (subject.relation !== '') wanted.set('subject_relation', ids.symbol(subject.relation));
  }
  if ([...wanted.values()].includes(0)) return undefined;
  return subject?.relation === '' ? wanted.set('subject_relation', 0) : wanted;
}

/** The filter as a list: filters that differ have lists that do. */
export function filterParts(filter: TupleFilter): JsonValue {
  const { objectType, objectId, relation, subject, subjectType } = filter;
  const subjectParts = subject === undefined ? null : [subject.type, subject.id, subject.relation];
  return [
    objectType ?? null,
    objectId ?? null,
    relation ?? null,
    subjectParts,
    subjectType ?? null,
  ];
}

/** A range: the leading columns of an order that the filter fixes, and those along which it runs. */
export interface Range {
  readonly order: readonly Place[];
  /**
   * Whether kinds are looked up first, and the tuples of each: an entity is given, which can have any
   * number of tuples, and a store has only so many kinds. If not, it is a scan.
   */
  readonly byKind: boolean;
  readonly fixed: readonly Column[];
  /** What the filter says of the kinds that are looked up. */
  readonly ofKind: readonly Column[];
  /** Never empty: the kind at least, though it may be only one. */
  readonly free: readonly Place[];
  /** What the filter says of what a scan meets. */
  readonly rest: readonly Column[];
}

export function rangeOf(wanted: Wanted): Range {
  const entities = (['object', 'subject'] as const).filter((column) => wanted.has(column));
  // Either order would do for a whole store. Clients of the wire know the order of writing, which
  // the order of the subjects is nearest to, as entities are numbered when they are first written.
  const order = wanted.size === 0 || entities[0] === 'subject' ? reverse : forward;
  const free = order.filter((column) => column === 'kind' || !wanted.has(column));
  const others = [...wanted.keys()].filter((column) => column !== 'object' && column !== 'subject');
  const byKind = entities.length > 0;
  const [ofKind, rest] = byKind ? [others, []] : [[], others];
  return { order, byKind, fixed: entities, ofKind, free, rest };
}

/** The clauses of a query on a range, after a position in it. */
export interface RangeSql {
  readonly from: string;
  /** Its parameters are those of `rangeValues`. */
  readonly where: string;
  readonly orderBy: string;
  /** Not after a position. Its parameters: the position. REQUIRES: a scan. */
  readonly upTo: string;
  /** A condition on the rest. Its parameters: the columns of the rest. */
  readonly restIs: string;
}

/**
 * REQUIRES: every part is a column name of ours; values are bound, never written into the text.
 * Parameters have a plus for the reason given in snapshot.ts.
 */
export function rangeSql({ order, byKind, fixed, ofKind, free, rest }: Range): RangeSql {
  const index = `tuple INDEXED BY ${order === forward ? forwardIndex : reverseIndex}`;
  const names = free.map((column) => (byKind ? placeOf(column) : `tuple.${column}`)).join(', ');
  const position = free.map(() => '+?').join(', ');
  const conditions = [byKind ? 'kind.store = +?' : 'tuple.store = +?'];
  for (const name of fixed) conditions.push(`tuple.${name} = +?`);
  // A plus keeps a column out of the choice of an index.
  for (const name of ofKind) conditions.push(`+${sqlName(name)} = +?`);
  // Kinds before that of the position are not looked at, nor are its tuples before it.
  if (byKind && free.length === 1) conditions.push('kind.id > +?');
  else if (byKind) conditions.push('kind.id >= +?', `tuple.${free[1]} > iif(kind.id = +?, +?, 0)`);
  else conditions.push(`(${names}) > (${position})`);
  return {
    from: byKind
      ? `kind CROSS JOIN ${index} ON tuple.store = kind.store AND tuple.kind = kind.id`
      : `${index} CROSS JOIN kind ON kind.store = tuple.store AND kind.id = tuple.kind`,
    where: conditions.join(' AND '),
    orderBy: names,
    upTo: `(${names}) <= (${position})`,
    restIs: ['TRUE', ...rest.map((name) => `+${sqlName(name)} = +?`)].join(' AND '),
  };
}

/** The values that `where` takes. A range begins before every position. */
export function rangeValues(
  store: number,
  wanted: Wanted,
  { byKind, fixed, ofKind, free }: Range,
  after: readonly number[] = free.map(() => -1),
): number[] {
  const [kind = -1, entity = -1] = after;
  const place = !byKind ? after : free.length === 1 ? [kind] : [kind, kind, entity];
  return [store, ...valuesOf(wanted, fixed), ...valuesOf(wanted, ofKind), ...place];
}

export function valuesOf(wanted: Wanted, columns: readonly Column[]): number[] {
  return columns.map((column) => wanted.get(column) as number);
}

/** Holds for a tuple that has not expired. Its parameter: the time. */
export const isLive = `(tuple.guard = 0 OR NOT EXISTS (SELECT 1 FROM guard
  WHERE guard.store = tuple.store AND guard.id = tuple.guard
    AND guard.expires_at <> ${never} AND guard.expires_at <= +?))`;

/** What tells one query's text from another's. */
export function rangeKey({ order, fixed, ofKind, rest }: Range): string {
  return `${order}:${fixed}:${ofKind}:${rest}`;
}

/** The place of a row in the range's order. */
export function placeIn({ free }: Range, row: readonly number[]): number[] {
  return free.map((column) => row[rowColumns.indexOf(column)] as number);
}

function placeOf(column: Place): string {
  return column === 'kind' ? 'kind.id' : `tuple.${column}`;
}

function sqlName(column: Column | Place): string {
  const isOfTuple = column === 'object' || column === 'kind' || column === 'subject';
  return `${isOfTuple ? 'tuple' : 'kind'}.${column}`;
}
