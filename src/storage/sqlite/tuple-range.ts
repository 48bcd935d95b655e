/**
 * How tuples are found by a filter: as a range of one of the two indexes, so that a page costs the
 * same however far in it is. Reads, preconditions and deletes by filter find them in the same way.
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

/** What a row of any query on tuples begins with. */
export const rowColumns: readonly Column[] = [
  'object',
  'relation',
  'subject_type',
  'subject_relation',
  'subject',
  'object_type',
];

/** The columns of the two indexes after the store: orders in which each tuple has its one place. */
const forward: readonly Column[] = [
  'object',
  'relation',
  'subject_type',
  'subject_relation',
  'subject',
];
const reverse: readonly Column[] = [
  'subject',
  'subject_relation',
  'object_type',
  'relation',
  'object',
];

/** Of one object and one subject: a tuple a relation. */
const pair: readonly Column[] = [
  'object',
  'subject_type',
  'subject_relation',
  'subject',
  'relation',
];

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
  readonly order: readonly Column[];
  readonly fixed: readonly Column[];
  /** Empty where it is a single tuple. */
  readonly free: readonly Column[];
  /** Columns that the filter names too, but that the range does not fix. */
  readonly rest: readonly Column[];
}

export function rangeOf(wanted: Wanted): Range {
  const order = orderFor(wanted);
  const length = order.findIndex((column) => !wanted.has(column));
  const fixed = length === -1 ? order : order.slice(0, length);
  const free = order.slice(fixed.length);
  const rest = [...wanted.keys()].filter((column) => !fixed.includes(column));
  return { order, fixed, free, rest };
}

/** The order whose leading columns the filter fixes. */
function orderFor(wanted: Wanted): readonly Column[] {
  // Either order would do for a whole store. Clients of the wire know the order of writing, which
  // the order of the subjects is nearest to, as entities are numbered when they are first written.
  if (wanted.size === 0) return reverse;
  if (!wanted.has('subject')) return forward;
  if (!wanted.has('object')) return reverse;
  return wanted.has('relation') ? forward : pair;
}

/** The clauses of a query on a range, after a position in it. */
export interface RangeSql {
  readonly from: string;
  /** Its parameters: the store, the fixed columns, then the position, one value a free column. */
  readonly where: string;
  readonly orderBy: string;
  /** Not after a position. Its parameters: as of the position in `where`. */
  readonly upTo: string;
  /** A condition on the rest. Its parameters: the columns of the rest. */
  readonly restIs: string;
}

/**
 * REQUIRES: every part is a column name of ours; values are bound, never written into the text.
 * Parameters have a plus for the reason given in snapshot.ts.
 */
export function rangeSql({ order, fixed, free, rest }: Range): RangeSql {
  const conditions = [`${order === pair ? 'symbol' : 'tuple'}.store = +?`];
  for (const name of fixed) conditions.push(`tuple.${name} = +?`);
  if (order === pair) conditions.push('symbol.id > +?');
  else if (free.length > 0) {
    const names = free.map((name) => `tuple.${name}`).join(', ');
    conditions.push(`(${names}) > (${free.map(() => '+?').join(', ')})`);
  }
  const sorting = order === pair ? ['symbol.id'] : order.map((name) => `tuple.${name}`);
  return {
    from: sourceOf(order),
    where: conditions.join(' AND '),
    orderBy: sorting.join(', '),
    upTo: `(${free.map((name) => `tuple.${name}`).join(', ')}) <= (${free.map(() => '+?').join(', ')})`,
    // A plus before a column that is not part of the range keeps it out of the choice of an order.
    restIs: ['TRUE', ...rest.map((name) => `+tuple.${name} = +?`)].join(' AND '),
  };
}

/** The values that `where` takes. A range begins before every position. */
export function rangeValues(
  store: number,
  wanted: Wanted,
  { fixed, free }: Range,
  after: readonly number[] = free.map(() => -1),
): number[] {
  return [store, ...valuesOf(wanted, fixed), ...after];
}

export function valuesOf(wanted: Wanted, columns: readonly Column[]): number[] {
  return columns.map((column) => wanted.get(column) as number);
}

/** Holds for a tuple that has not expired. Its parameter: the time. */
export const isLive = `(tuple.guard = 0 OR NOT EXISTS (SELECT 1 FROM guard
  WHERE guard.store = tuple.store AND guard.id = tuple.guard
    AND guard.expires_at <> ${never} AND guard.expires_at <= +?))`;

/** What tells one query's text from another's. */
export function rangeKey({ order, fixed, rest }: Range): string {
  return `${order}:${fixed}:${rest}`;
}

function sourceOf(order: readonly Column[]): string {
  if (order === forward) return `tuple INDEXED BY ${forwardIndex}`;
  if (order === reverse) return `tuple INDEXED BY ${reverseIndex}`;
  // An object can have any number of subjects, a store only so many names: one look-up for each
  // name instead of a scan.
  return `symbol CROSS JOIN tuple INDEXED BY ${forwardIndex}
    ON tuple.store = symbol.store AND tuple.relation = symbol.id`;
}
