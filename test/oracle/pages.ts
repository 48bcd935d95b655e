/**
 * Whatever is read page by page: rules that need no second world. Pages of any size hold the same
 * rows, a cursor is taken for its own query alone, and the changes come to the tuples that there are.
 */
import { assert } from '../../src/base/assert.ts';
import { Refusal } from '../../src/base/errors.ts';
import {
  ChangeKind,
  type ReadTupleChangesResponse,
  type TupleChange,
} from '../../src/gen/pemba/v1/tuple_service_pb.ts';
import { queryOf } from './asked.ts';
import { typeOf } from './facts.ts';
import { someQuestions } from './questions.ts';
import type { RandomSource } from './random-source.ts';
import type { ServedWorld } from './served-world.ts';
import { countRule, type Tally } from './tally.ts';
import { isLive, keyOf, type Setting, type World } from './world.ts';

/** A method that is read in pages, as one request of it. */
interface Paged {
  readonly method: string;
  readonly request: object;
  /** Of the requests and responses: a cursor has two names, and so have rows. */
  readonly cursor: readonly [request: string, response: string];
  readonly rows: string;
  /** The same request about something else. */
  readonly another: object;
  /** Where the last page has a cursor too, to go on from later. */
  readonly endless?: true;
  /** Rows that there must be, where that is known. */
  readonly owed?: number;
  /** Pages of tuples are each of the newest revision: what has expired is collected meanwhile. */
  readonly ofOneRevision?: true;
}

/** Of either kind: many are shorter than any page. */
const listsPerWorld = 4;

type Response = Readonly<Record<string, unknown>>;

export async function comparePages(
  served: ServedWorld,
  world: World,
  random: RandomSource,
  tally: Tally,
): Promise<void> {
  const lists = pagedLists(served, world, random);
  for (const paged of [...lists, ...pagedTuples(served, world)]) {
    const whole = await allRows(served, paged, () => 100);
    const parts = await allRows(served, paged, () => random.pick([1, 2, 3, 9]));
    const { method, owed = whole.length } = paged;
    assert(whole.length === owed, `${method} gives ${whole.length} rows of ${owed}`);
    assert(textOf(whole) === textOf(parts), `the size of pages changes what ${method} gives`);
    await refuseStray(served, paged, whole.length);
    countRule(tally, `pages of any size: ${method}`, 1, whole.length);
  }
  await compareChanges(served, world, tally);
  await compareAcrossWrite(served, lists, world, tally);
}

function pagedLists(served: ServedWorld, world: World, random: RandomSource): Paged[] {
  const setting = random.below(world.settings.length);
  const query = queryOf(served, world.settings[setting] as Setting);
  const other = (name: string) => `${typeOf(name)}:nobody`;
  const cursor = ['cursor', 'cursor'] as const;
  return someQuestions(random, world, setting, listsPerWorld).flatMap(({ object, subject }) => [
    {
      method: 'pemba.listObjects',
      request: { ...query, subject },
      another: { ...query, subject: other(subject) },
      cursor,
      rows: 'objects',
      ofOneRevision: true,
    },
    {
      method: 'listSubjects',
      request: { ...query, object },
      another: { ...query, object: other(object) },
      cursor,
      rows: 'subjects',
      ofOneRevision: true,
    },
  ]);
}

function pagedTuples({ store }: ServedWorld, world: World): Paged[] {
  const request = { store_id: store };
  const owed = world.stored.filter(isLive).length;
  const type = world.models[0]?.type_definitions[0]?.type;
  const token = ['continuation_token', 'continuationToken'] as const;
  const cursor = ['cursor', 'cursor'] as const;
  const ofType = { ...request, filter: { object_type: type } };
  const changes = { ...request, object_type: type };
  return [
    {
      method: 'read',
      request,
      another: { ...request, tuple_key: { object: `${type}:nobody` } },
      cursor: token,
      rows: 'tuples',
      owed,
    },
    { method: 'readTuples', request, another: ofType, cursor, rows: 'tuples', owed },
    {
      method: 'readTupleChanges',
      request,
      another: changes,
      cursor,
      rows: 'changes',
      endless: true,
    },
    {
      method: 'readChanges',
      request,
      another: { ...request, type },
      cursor: token,
      rows: 'changes',
      endless: true,
    },
  ];
}

/** The pages of a list say the same of it as a whole. */
async function allRows(
  { caller }: ServedWorld,
  { method, request, cursor: [sent, given], rows, endless, ofOneRevision }: Paged,
  pageSize: () => number,
): Promise<unknown[]> {
  const all: unknown[] = [];
  const heads = new Set<string>();
  for (let cursor = ''; ; ) {
    const page = { ...request, page_size: pageSize(), [sent]: cursor };
    const { count, consistencyToken, ...response } = (await caller.call(method, page)) as Response;
    const own = response[rows] as readonly unknown[];
    assert(own.length <= page.page_size, `a page of ${method} is longer than was asked for`);
    all.push(...own);
    heads.add(textOf(ofOneRevision ? [count, consistencyToken] : [count]));
    assert(heads.size === 1, `the pages of ${method} are not of one list`);
    cursor = response[given] as string;
    if (endless === true ? own.length === 0 : cursor === '') return all;
  }
}

/** A list that was begun goes on as it was, whatever is written; the next one is new. */
async function compareAcrossWrite(
  served: ServedWorld,
  lists: readonly Paged[],
  world: World,
  tally: Tally,
): Promise<void> {
  const { caller, store } = served;
  const begun: { paged: Paged; whole: unknown[]; first: Response }[] = [];
  for (const paged of lists) {
    const whole = await allRows(served, paged, () => 100);
    const request = { ...paged.request, page_size: 1 };
    begun.push({ paged, whole, first: (await caller.call(paged.method, request)) as Response });
  }
  const limit = Math.ceil(world.stored.filter(isLive).length / 2);
  if (limit > 0) await caller.call('deleteTuples', { store_id: store, all: true, limit });
  for (const { paged, whole, first } of begun) {
    if (first.cursor === '') continue;
    const request = { ...paged.request, page_size: 1_000, cursor: first.cursor };
    const rest = (await caller.call(paged.method, request)) as Response;
    const { rows, method } = paged;
    const old = [...(first[rows] as unknown[]), ...(rest[rows] as unknown[])];
    assert(textOf(old) === textOf(whole), `${method} does not go on as it was begun`);
    const next = await allRows(served, paged, () => 100);
    const parts = await allRows(served, paged, () => 1);
    assert(textOf(next) === textOf(parts), `${method} goes on with a list from before a write`);
    countRule(tally, 'a list that was begun goes on as it was', 1, whole.length + next.length);
  }
}

/** The cursor of one query must not lead into another, nor into another store. */
async function refuseStray(
  { caller, neighbour }: ServedWorld,
  { method, request, another, cursor: [sent, given] }: Paged,
  length: number,
): Promise<void> {
  if (length < 2) return;
  const first = (await caller.call(method, { ...request, page_size: 1 })) as Response;
  const strays = [
    another,
    ...(neighbour === undefined ? [] : [{ ...request, store_id: neighbour.store }]),
  ];
  for (const stray of strays) {
    const refused = await codeOf(() => caller.call(method, { ...stray, [sent]: first[given] }));
    assert(
      refused === 'invalid_continuation_token' ||
        refused === 'query_string_type_continuation_token_mismatch',
      `${method} takes the cursor of another query: ${refused}`,
    );
  }
}

async function codeOf(call: () => unknown): Promise<string> {
  try {
    await call();
    return 'answered';
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

/** Once what has expired is collected, all changes one after the other make up what is stored. */
async function compareChanges(
  { caller, datastore, store }: ServedWorld,
  world: World,
  tally: Tally,
): Promise<void> {
  await datastore.collectExpired();
  const present = new Set<string>();
  let changes = 0;
  for (let cursor = ''; ; ) {
    const request = { store_id: store, cursor };
    const page = (await caller.call('readTupleChanges', request)) as ReadTupleChangesResponse;
    for (const change of page.changes) applyTo(present, change);
    changes += page.changes.length;
    cursor = page.cursor;
    if (page.changes.length === 0) break;
  }
  const owed = world.stored.filter(isLive).map(({ tuple }) => keyOf(tuple));
  assert(
    textOf([...present].sort()) === textOf(owed.sort()),
    'the changes do not come to the tuples that there are',
  );
  countRule(tally, 'the changes come to the tuples that there are', 1, changes);
}

function applyTo(present: Set<string>, { kind, tuple }: TupleChange): void {
  assert(tuple !== undefined, 'a change has its tuple');
  if (kind === ChangeKind.WRITE) present.add(keyOf(tuple));
  else assert(present.delete(keyOf(tuple)), 'only what was written is deleted, or expires');
}

/** Of messages: times are of big integers, which JSON has not. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}` : part));
}
