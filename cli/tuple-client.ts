/**
 * The calls that move tuples. Each goes over `pemba.v1` where that is needed or tells more, and over
 * OpenFGA's wire where it says the same: the server may be any. What the wire has no field for (an
 * expiry above all) is never sent over it: a server would pass over the field, and a right that was to
 * end would be for ever.
 */
import { Failure } from './exit-codes.ts';
import type { HttpRequest } from './http.ts';
import { ServerRefusal } from './http.ts';
import {
  type Conflict,
  type PembaTuple,
  pageSize,
  pembaKeyOf,
  pembaTupleOf,
  plainTuple,
  type WireChange,
  type WireTuple,
  type WireTupleRecord,
  type WireWrite,
  wireTupleOf,
} from './wire.ts';

export interface TupleClient {
  write(store: string, write: WireWrite): Promise<Written>;
  /** At least one page. */
  tuples(store: string, filter: TupleFilter, pageSize: number): AsyncGenerator<TuplePage>;
  /** Only a Pemba server answers this. No filter stands for all tuples. */
  deleteTuples(store: string, round: DeleteRound): Promise<{ deleted: number; cursor: string }>;
  changes(store: string, query: ChangesQuery): Promise<ChangesPage>;
  /** Only a Pemba server answers these two. ENSURES: the checksum of what the server read. */
  importTuples(store: string, chunk: ImportChunk): Promise<bigint>;
  exportTuples(
    store: string,
    filter: TupleFilter | undefined,
    cursor: string,
  ): AsyncGenerator<ExportPart>;
}

export interface ImportChunk {
  readonly tuples: readonly WireTuple[];
  readonly conflict: Conflict;
  readonly modelId: string | undefined;
  readonly idempotencyKey: string;
}

export interface ExportPart {
  readonly tuples: readonly WireTuple[];
  readonly cursor: string;
  readonly token: string;
  /** Of the call so far. */
  readonly count: number;
  readonly checksum: bigint;
}

export interface Written {
  /** An earlier call with the same idempotency key had done it. */
  readonly repeated: boolean;
}

/** What tuples are meant: every part that is given must match. */
export interface TupleFilter {
  /** `type:id` */
  readonly object?: string;
  readonly objectType?: string;
  readonly relation?: string;
  readonly subject?: string;
  readonly subjectType?: string;
}

export interface TuplePage {
  readonly tuples: readonly WireTupleRecord[];
  /** False where the server has no word for an expiry. */
  readonly knowsExpiry: boolean;
}

export interface DeleteRound {
  readonly filter: TupleFilter | undefined;
  readonly limit: number;
  readonly cursor: string;
}

export interface ChangesQuery {
  readonly type: string | undefined;
  readonly startTime: string | undefined;
  readonly continuationToken: string;
}

export interface ChangesPage {
  readonly changes: readonly WireChange[];
  readonly continuation_token: string;
}

interface Calls {
  readonly apiUrl: string;
  call(request: HttpRequest): Promise<unknown>;
  lines(path: string, body: unknown): AsyncGenerator<unknown>;
  pathOf(store: string, ...parts: readonly string[]): string;
}

export function createTupleClient({ apiUrl, call, lines, pathOf }: Calls): TupleClient {
  const ask = <Answer>(path: string, body: unknown, repeatable = true): Promise<Answer> =>
    call({ method: 'POST', path, body, repeatable }) as Promise<Answer>;
  const get = <Answer>(path: string, query: NonNullable<HttpRequest['query']>): Promise<Answer> =>
    call({ method: 'GET', path, query, repeatable: true }) as Promise<Answer>;
  const orNeedsPemba = <Answer>(answer: Promise<Answer>, what: string): Promise<Answer> =>
    answer.catch((error: unknown) => {
      throw isUnknownMethod(error) ? needsPemba(apiUrl, what, error) : error;
    });

  async function* pembaPages(store: string, filter: TupleFilter, page_size: number) {
    const path = pathOf(store, 'tuples', 'read');
    for (let cursor = ''; ; ) {
      const page: PembaPage = await ask(path, { ...filterBody(filter), page_size, cursor });
      const tuples = page.tuples.map(({ tuple, written_at }) => ({
        key: wireTupleOf(tuple),
        timestamp: written_at,
      }));
      yield { tuples, knowsExpiry: true };
      cursor = page.cursor;
      if (cursor === '') return;
    }
  }

  async function* wirePages(store: string, filter: TupleFilter, page_size: number) {
    const tuple_key = wireFilterOf(filter);
    for (let continuation_token = ''; ; ) {
      const body = { ...tuple_key, page_size, continuation_token };
      const page: WirePage = await ask(pathOf(store, 'read'), body);
      const tuples = page.tuples.map(({ key, timestamp }) => ({ key: plainTuple(key), timestamp }));
      yield { tuples, knowsExpiry: false };
      continuation_token = page.continuation_token;
      if (continuation_token === '') return;
    }
  }

  return {
    async write(store, write) {
      if (needsTupleService(write)) {
        const sent = ask<{ repeated_write?: boolean }>(
          pathOf(store, 'tuples', 'write'),
          pembaWriteOf(write),
          isRepeatable(write),
        );
        const answer = await orNeedsPemba(sent, 'WriteTuples');
        return { repeated: answer.repeated_write === true };
      }
      await ask(pathOf(store, 'write'), write, isRepeatable(write));
      return { repeated: false };
    },
    async *tuples(store, filter, size) {
      const pages = pembaPages(store, filter, size);
      let first: IteratorResult<TuplePage>;
      try {
        first = await pages.next();
      } catch (error) {
        if (!isUnknownMethod(error)) throw error;
        if (filter.subjectType !== undefined) throw needsPemba(apiUrl, '--subject-type', error);
        yield* wirePages(store, filter, size);
        return;
      }
      if (first.done !== true) yield first.value;
      yield* pages;
    },
    deleteTuples(store, { filter, limit, cursor }) {
      const what = filter === undefined ? { all: true } : filterBody(filter);
      const path = pathOf(store, 'tuples', 'delete');
      return orNeedsPemba(ask(path, { ...what, limit, cursor }), 'DeleteTuples');
    },
    async importTuples(store, { tuples, conflict, modelId, idempotencyKey }) {
      const sent = ask<{ checksum: string }>(pathOf(store, 'tuples', 'import'), {
        tuples: tuples.map(pembaTupleOf),
        on_duplicate: duplicateChoices[conflict],
        idempotency_key: idempotencyKey,
        ...(modelId === undefined ? {} : { model_id: modelId }),
      });
      return BigInt((await orNeedsPemba(sent, 'ImportTuples')).checksum);
    },
    async *exportTuples(store, filter, cursor) {
      const body = { ...(filter === undefined ? {} : filterBody(filter)), cursor };
      try {
        for await (const line of lines(pathOf(store, 'tuples', 'export'), body)) {
          yield exportPartOf(line as PembaExport);
        }
      } catch (error) {
        throw isUnknownMethod(error) ? needsPemba(apiUrl, 'ExportTuples', error) : error;
      }
    },
    async changes(store, { type, startTime, continuationToken }) {
      const query = { start_time: startTime, page_size: String(pageSize) };
      try {
        const page = await get<PembaChanges>(pathOf(store, 'tuples', 'changes'), {
          ...query,
          object_type: type,
          cursor: continuationToken,
        });
        return { changes: page.changes.map(wireChangeOf), continuation_token: page.cursor };
      } catch (error) {
        if (!isUnknownMethod(error)) throw error;
        const wireQuery = { ...query, type, continuation_token: continuationToken };
        return await get<ChangesPage>(pathOf(store, 'changes'), wireQuery);
      }
    },
  };
}

/** What servers call a path that they do not have; a store that is not there has another code. */
const unknownMethods = new Set([
  'undefined_endpoint',
  'unimplemented',
  'http_404',
  'http_405',
  'http_501',
]);

export function isUnknownMethod(error: unknown): boolean {
  return error instanceof ServerRefusal && unknownMethods.has(error.code ?? '');
}

export function needsPemba(apiUrl: string, what: string, cause: unknown): Failure {
  const message = `${apiUrl} has no ${what}: this needs a Pemba server`;
  return new Failure('refused', message, { code: 'unimplemented', cause });
}

interface WirePage {
  readonly tuples: readonly WireTupleRecord[];
  readonly continuation_token: string;
}

interface PembaPage {
  readonly tuples: readonly { readonly tuple: PembaTuple; readonly written_at: string }[];
  readonly cursor: string;
}

interface PembaChanges {
  readonly changes: readonly {
    readonly kind: `CHANGE_KIND_${'WRITE' | 'DELETE' | 'EXPIRY'}`;
    readonly tuple: PembaTuple;
    readonly changed_at: string;
  }[];
  readonly cursor: string;
}

interface PembaExport {
  readonly tuples: readonly PembaTuple[];
  readonly cursor: string;
  readonly consistency_token: string;
  readonly count: string;
  readonly checksum: string;
}

function exportPartOf({ tuples, cursor, consistency_token, count, checksum }: PembaExport) {
  return {
    tuples: tuples.map(wireTupleOf),
    cursor,
    token: consistency_token,
    count: Number(count),
    checksum: BigInt(checksum),
  };
}

/** As the wire has it, which calls an expiry a delete. */
function wireChangeOf({ kind, tuple, changed_at }: PembaChanges['changes'][number]): WireChange {
  const written = kind === 'CHANGE_KIND_WRITE';
  return {
    operation: written ? 'TUPLE_OPERATION_WRITE' : 'TUPLE_OPERATION_DELETE',
    ...(kind === 'CHANGE_KIND_EXPIRY' ? { expired: true } : {}),
    timestamp: changed_at,
    tuple_key: wireTupleOf(tuple),
  };
}

/** A precondition may hold no more once the write is done: only a key makes its repeat the same. */
function isRepeatable({ writes, deletes, preconditions, idempotency_key }: WireWrite): boolean {
  if (idempotency_key !== undefined) return true;
  const same = writes?.on_duplicate !== 'error' && deletes?.on_missing !== 'error';
  return same && preconditions === undefined;
}

function needsTupleService(write: WireWrite): boolean {
  return (
    write.preconditions !== undefined ||
    write.idempotency_key !== undefined ||
    write.writes?.on_duplicate === 'replace' ||
    (write.writes?.tuple_keys ?? []).some((tuple: WireTuple) => tuple.expires_at !== undefined)
  );
}

const duplicateChoices = {
  error: 'ON_DUPLICATE_ERROR',
  ignore: 'ON_DUPLICATE_IGNORE',
  replace: 'ON_DUPLICATE_REPLACE',
} as const;

function pembaWriteOf(write: WireWrite): object {
  const { writes, deletes, preconditions = [], idempotency_key, authorization_model_id } = write;
  return {
    writes: writes?.tuple_keys.map(pembaTupleOf) ?? [],
    deletes: deletes?.tuple_keys.map(pembaKeyOf) ?? [],
    preconditions: preconditions.map(({ tuple, exists }) => ({
      requirement: exists ? 'REQUIREMENT_MUST_EXIST' : 'REQUIREMENT_MUST_NOT_EXIST',
      filter: pembaKeyOf(tuple),
    })),
    on_duplicate: duplicateChoices[writes?.on_duplicate ?? 'error'],
    on_missing: deletes?.on_missing === 'ignore' ? 'ON_MISSING_IGNORE' : 'ON_MISSING_ERROR',
    ...(idempotency_key === undefined ? {} : { idempotency_key }),
    ...(authorization_model_id === undefined ? {} : { model_id: authorization_model_id }),
  };
}

function filterBody({ object, objectType, relation, subject, subjectType }: TupleFilter): object {
  return {
    filter: { object, object_type: objectType, relation, subject, subject_type: subjectType },
  };
}

/** An empty filter is left out: a server reads an empty `tuple_key` as one without its type. */
function wireFilterOf({ object, objectType, relation, subject }: TupleFilter): object {
  const tuple_key = {
    ...(subject === undefined ? {} : { user: subject }),
    ...(relation === undefined ? {} : { relation }),
    ...(object === undefined ? {} : { object }),
    ...(objectType === undefined ? {} : { object: `${objectType}:` }),
  };
  return Object.keys(tuple_key).length === 0 ? {} : { tuple_key };
}
