/**
 * Lists in pages: each list is computed whole, at one revision, and every page is a part of that one
 * list. The cursor says which list it is, and where in it the next page begins.
 */
import { hash } from 'node:crypto';
import { assert } from '../base/assert.ts';
import { byteLength } from '../base/bytes.ts';
import { Refusal } from '../base/errors.ts';
import { canonicalJson, type JsonValue } from '../base/json.ts';
import { limits } from '../base/limits.ts';
import type { Row } from '../engine/findings.ts';
import { type Interrupt, inPieces } from '../engine/steps.ts';
import type { Tuple as TupleMessage } from '../gen/pemba/v1/tuple_pb.ts';
import type { CompiledModel } from '../model/compiled.ts';
import { isModelId, type StoreId } from '../model/ids.ts';
import type { Snapshot } from '../storage/datastore.ts';
import { formatConsistencyToken } from '../storage/revision.ts';
import type { Asked } from './asked.ts';
import type { Call } from './call.ts';
import { leastRevision, type Preference, setToken } from './consistency.ts';
import { inTurns, readList } from './list.ts';
import type { ListCache, ListKey, WholeList } from './list-cache.ts';
import { resolveModelId, type Service } from './service.ts';
import { readOptionalModelId, readStoreId } from './wire.ts';

export interface PageRequest {
  readonly storeId: string;
  readonly modelId: string;
  readonly consistency: Preference;
  readonly pageSize?: number | undefined;
  readonly cursor: string;
  readonly countOnly: boolean;
}

export interface PagedList<ListRow extends Row, Listed extends Encoded, Message> {
  /** All of the request that can change the list, but for the store and the model. */
  readonly query: JsonValue;
  readonly cache: ListCache<ListRow>;
  /** Whom it is for, by their token at the time of the list; the same on every page. */
  askedAt(now: number): Asked;
  /** Yields where it may be interrupted. */
  list(
    snapshot: Snapshot,
    model: CompiledModel,
    asked: Asked,
    run: ListRun,
  ): Generator<undefined, readonly ListRow[], void>;
  /** A row as the response has it, in parts, and made into a message. */
  listed(row: ListRow): Listed;
  message(row: Listed): Message;
}

/** What a row of a response is made of. */
export type Encoded = string | readonly Encoded[] | { readonly [field: string]: Encoded };

/** Of a list that is computed: when tuples expire for it, and what ends it early. */
export interface ListRun {
  readonly now: number;
  readonly interrupt: Interrupt;
}

/** As both responses have it. */
export interface PageOf<Message> {
  readonly rows: Message[];
  readonly cursor: string;
  readonly count: number;
  readonly consistencyToken: string;
}

/** Where a page begins: in a list that there is already, but for the first one. */
interface Start {
  readonly key: ListKey;
  readonly from: number;
}

export function readPage<ListRow extends Row, Listed extends Encoded, Message>(
  service: Service,
  call: Call,
  request: PageRequest,
  paged: PagedList<ListRow, Listed, Message>,
): PageOf<Message> | Promise<PageOf<Message>> {
  const store = readStoreId(request.storeId);
  const query = digestOf(paged.query);
  const start = readCursor(service, request, paged, store, query);
  if (start !== undefined && leastRevision(call, store) > start.key.revision) {
    throw startAgain('it shows an older revision than the consistency token asks for');
  }
  const lists = readList(service, call, {
    // Later pages are of the list that there is, whatever has become of the store.
    at: { store, preference: start === undefined ? request.consistency : undefined },
    resultsMax: 1,
    isWhole: true,
    *begin(snapshot, interrupt) {
      // The model is asked for on every page: without it the store is not the one of the list.
      const wanted = start?.key.model ?? readOptionalModelId(request.modelId);
      const { id, model } = resolveModelId(service, call, store, snapshot, wanted);
      const { revision } = snapshot;
      const kept = start === undefined ? undefined : paged.cache.get(start.key);
      if (kept !== undefined) {
        yield [kept];
        return;
      }
      if (start !== undefined && start.key.revision !== revision) {
        throw startAgain('the store has changed, and this server has not kept the list');
      }
      const now = start?.key.now ?? service.clock.now();
      const asked = paged.askedAt(now);
      const key = start?.key ?? {
        store,
        query,
        subject: subjectOf(asked),
        model: id,
        revision,
        now,
      };
      const rows = yield* inPieces(paged.list(snapshot, model, asked, { now, interrupt }));
      const count = rows.reduce((sum, { relations }) => sum + Math.sign(relations.length), 0);
      yield [{ key, rows, count }];
    },
  });
  const answer = ([list]: readonly WholeList<ListRow>[]) => {
    assert(list !== undefined, 'a list that is not refused is whole');
    setToken(call, store, list.key.revision);
    const page = pageOf(service, request, paged, { list, from: start?.from ?? 0 });
    const first = page.next();
    return first.done === true ? first.value : inTurns(service, page);
  };
  return lists instanceof Promise ? lists.then(answer) : answer(lists);
}

/** Yields where it may be interrupted: never in a page of the default size. */
function* pageOf<ListRow extends Row, Listed extends Encoded, Message>(
  service: Service,
  request: PageRequest,
  { cache, listed, message }: PagedList<ListRow, Listed, Message>,
  { list, from }: { readonly list: WholeList<ListRow>; readonly from: number },
): Generator<undefined, PageOf<Message>, void> {
  const { key, rows, count } = list;
  const consistencyToken = formatConsistencyToken(key.store, key.revision);
  if (request.countOnly) return { rows: [], cursor: '', count, consistencyToken };
  const pageSize = request.pageSize ?? limits.listPageSizeDefault;
  const page: Message[] = [];
  let bytes = 0;
  for (const row of rows.slice(from, from + pageSize)) {
    if (page.length > 0 && page.length % limits.listPageSizeDefault === 0) yield undefined;
    const next = listed(row);
    bytes += bytesEncoded(next);
    if (page.length > 0 && bytes > service.lists.pageBytesMax) break;
    page.push(message(next));
  }
  const end = from + page.length;
  if (end === rows.length) return { rows: page, cursor: '', count, consistencyToken };
  cache.keep(list);
  const position = [end, key.model, key.revision, key.now, key.subject];
  const cursor = service.datastore.cursors.encode(boundTo(key.store, key.query), position);
  return { rows: page, cursor, count, consistencyToken };
}

/** Of the number and the length before every text and every message. */
const headBytes = 6;

/** What it takes in the response at most: a few bytes more than in truth. */
function bytesEncoded(value: Encoded): number {
  if (typeof value === 'string') return headBytes + byteLength(value);
  if (isList(value)) return value.reduce((sum, item) => sum + bytesEncoded(item), 0);
  return Object.values(value).reduce<number>((sum, item) => sum + bytesEncoded(item), headBytes);
}

function isList(value: Encoded): value is readonly Encoded[] {
  return Array.isArray(value);
}

function readCursor<ListRow extends Row, Listed extends Encoded>(
  service: Service,
  request: PageRequest,
  paged: Pick<PagedList<ListRow, Listed, unknown>, 'askedAt'>,
  store: StoreId,
  query: string,
): Start | undefined {
  const position = service.datastore.cursors.decode(boundTo(store, query), request.cursor);
  if (position === undefined) return undefined;
  // Cursors of older versions know of no subject: they were given to calls without a token.
  const [from, model, revision, now, subject = ''] = position;
  assert(
    typeof from === 'number' &&
      typeof model === 'string' &&
      isModelId(model) &&
      typeof revision === 'number' &&
      typeof now === 'number',
    'an authentic cursor of a list holds what was put into it',
  );
  if (request.modelId !== '' && request.modelId !== model) {
    throw new Refusal(
      'invalid_continuation_token',
      `the cursor is one of the model \`${model}\`; start again without one`,
    );
  }
  if (subject !== subjectOf(paged.askedAt(now))) {
    throw new Refusal(
      'invalid_continuation_token',
      'the cursor is one of another subject token, or of other claims of it; start again without one',
    );
  }
  return { key: { store, query, subject, model, revision, now }, from };
}

/** '' for a list without a token. */
function subjectOf({ key }: Asked): string {
  return key === undefined ? '' : digestOf(key);
}

function digestOf(value: JsonValue): string {
  return hash('sha256', canonicalJson(value), 'base64url');
}

function boundTo(store: StoreId, query: string): readonly string[] {
  return ['list', store, query];
}

function startAgain(reason: string): Refusal {
  return new Refusal(
    'aborted',
    `the list cannot be continued: ${reason}; start it again, without its cursor`,
  );
}

/** Contextual tuples as a part of a query. */
export function tuplesOfQuery(messages: readonly TupleMessage[]): JsonValue {
  return messages.map(
    ({ subject, relation, object, condition }): JsonValue => [
      subject,
      relation,
      object,
      condition === undefined ? null : [condition.name, condition.context ?? {}],
    ],
  );
}

/** What a row takes in memory, about. */
export function bytesOfRow({ relations, unanswered }: Row, id: string): number {
  return 150 + 2 * id.length + 8 * relations.length + 500 * unanswered.length;
}
