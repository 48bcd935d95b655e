/**
 * Pages of tuples by filter. Every filter walks one of the two indexes from where the last page
 * ended, so that a page costs the same however far in it is.
 */
import type Database from 'better-sqlite3';
import type { Page, PageQuery, TupleFilter, TupleRecord } from '../datastore.ts';
import type { CursorQuery, Cursors } from './cursor.ts';
import { forwardIndex, reverseIndex } from './schema.ts';
import type { Texts } from './texts.ts';
import type { StoreView } from './view.ts';

type Column =
  | 'object'
  | 'relation'
  | 'subject_type'
  | 'subject_relation'
  | 'subject'
  | 'object_type';

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
type Wanted = ReadonlyMap<Column, number>;

/** object, relation, subject_type, subject_relation, subject, object_type, guard, committed_at */
type Row = [number, number, number, number, number, number, number, number];

const rowColumns: readonly Column[] = [
  'object',
  'relation',
  'subject_type',
  'subject_relation',
  'subject',
  'object_type',
];

export function createTupleReads(database: Database.Database, texts: Texts, cursors: Cursors) {
  const statements = new Map<string, Database.Statement<number[], Row>>();

  /** One statement for each shape of query; there are a few dozen at most. */
  function statementOf(order: readonly Column[], wanted: Wanted, free: readonly Column[]) {
    const key = `${order}:${[...wanted.keys()]}:${free}`;
    let statement = statements.get(key);
    if (statement === undefined) {
      statement = database.prepare<number[], Row>(sqlOf(order, wanted, free)).raw();
      statements.set(key, statement);
    }
    return statement;
  }

  function read(view: StoreView, filter: TupleFilter, query: PageQuery): Page<TupleRecord> {
    const bound = cursorQuery(view, filter);
    const position = cursors.decode(bound, query.cursor)?.map(Number);
    const empty = { rows: [], cursor: '', revision: view.revision };
    const wanted = wantedIds(texts, view.key, filter);
    if (wanted === undefined) return empty;

    const order = orderFor(wanted);
    const fixed = order.findIndex((column) => !wanted.has(column));
    const free = fixed === -1 ? [] : order.slice(fixed);
    // A single tuple has no second page.
    if (free.length === 0 && position !== undefined) return empty;
    const after = position ?? free.map(() => -1);
    const rows = statementOf(order, wanted, free).all(
      view.key,
      ...wanted.values(),
      ...after,
      query.pageSize + 1,
    );
    const page = rows.slice(0, query.pageSize);
    const last = page.at(-1);
    const more = rows.length > query.pageSize && last !== undefined;
    return {
      rows: page.map((row) => tupleRecord(texts, view.key, row)),
      cursor: more
        ? cursors.encode(
            bound,
            free.map((column) => columnOf(last, column)),
          )
        : '',
      revision: view.revision,
    };
  }

  return { read };
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

/**
 * REQUIRES: every part is a column name of ours; values are bound, never written into the text.
 * Parameters have a plus for the reason given in snapshot.ts.
 */
function sqlOf(order: readonly Column[], wanted: Wanted, free: readonly Column[]): string {
  const fixed = order.slice(0, order.length - free.length);
  const conditions = [`${order === pair ? 'symbol' : 'tuple'}.store = +?`];
  for (const name of wanted.keys()) {
    // A plus before a column that is not part of the range keeps it out of the choice of an order.
    conditions.push(fixed.includes(name) ? `tuple.${name} = +?` : `+tuple.${name} = +?`);
  }
  if (order === pair) conditions.push('symbol.id > +?');
  else if (free.length > 0) {
    const names = free.map((name) => `tuple.${name}`).join(', ');
    conditions.push(`(${names}) > (${free.map(() => '+?').join(', ')})`);
  }
  const sorting = order === pair ? ['symbol.id'] : order.map((name) => `tuple.${name}`);
  return `SELECT ${rowColumns.map((name) => `tuple.${name}`).join(', ')}, tuple.guard,
      revision.committed_at
    FROM ${sourceOf(order)}
    CROSS JOIN revision ON revision.store = tuple.store AND revision.revision = tuple.revision
    WHERE ${conditions.join(' AND ')}
    ORDER BY ${sorting.join(', ')} LIMIT +?`;
}

function sourceOf(order: readonly Column[]): string {
  if (order === forward) return `tuple INDEXED BY ${forwardIndex}`;
  if (order === reverse) return `tuple INDEXED BY ${reverseIndex}`;
  // An object can have any number of subjects, a store only so many names: one look-up for each
  // name instead of a scan.
  return `symbol CROSS JOIN tuple INDEXED BY ${forwardIndex}
    ON tuple.store = symbol.store AND tuple.relation = symbol.id`;
}

/** undefined: a text of the filter was never written, so nothing matches. */
function wantedIds(texts: Texts, store: number, filter: TupleFilter): Wanted | undefined {
  const wanted = new Map<Column, number>();
  if (filter.objectType !== undefined) {
    wanted.set('object_type', texts.symbol(store, filter.objectType));
    if (filter.objectId !== undefined) {
      const type = wanted.get('object_type') as number;
      wanted.set('object', texts.entity(store, type, filter.objectId));
    }
  }
  if (filter.relation !== undefined) wanted.set('relation', texts.symbol(store, filter.relation));
  const unknown = [...wanted.values()].includes(0);
  if (unknown || filter.subject === undefined) return unknown ? undefined : wanted;

  const { type, id, relation } = filter.subject;
  const subjectType = texts.symbol(store, type);
  const subject = texts.entity(store, subjectType, id);
  const subjectRelation = relation === '' ? 0 : texts.symbol(store, relation);
  if (subject === 0 || (subjectRelation === 0 && relation !== '')) return undefined;
  return wanted
    .set('subject_type', subjectType)
    .set('subject', subject)
    .set('subject_relation', subjectRelation);
}

function cursorQuery(view: StoreView, filter: TupleFilter): CursorQuery {
  const { objectType, objectId, relation, subject } = filter;
  const subjectParts =
    subject === undefined ? undefined : [subject.type, subject.id, subject.relation];
  const parts = [objectType, objectId, relation, subjectParts].map((part) => part ?? null);
  return ['tuples', view.id, view.key, JSON.stringify(parts)];
}

function columnOf(row: Row, column: Column): number {
  return row[rowColumns.indexOf(column)] as number;
}

function tupleRecord(texts: Texts, store: number, row: Row): TupleRecord {
  const [object, relation, , subjectRelation, subject, , guard, writtenAt] = row;
  const tuple = texts.tuple(store, { object, relation, subject, subjectRelation, guard });
  return { tuple, writtenAt };
}
