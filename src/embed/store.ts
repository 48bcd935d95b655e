/** One store of the embedding API: its model, its tuples, and every question about them. */
import { fromJson, type JsonObject as Struct } from '@bufbuild/protobuf';
import { timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { assert } from '../base/assert.ts';
import { Refusal } from '../base/errors.ts';
import { canonicalJson, type JsonObject, type JsonValue } from '../base/json.ts';
import { limits } from '../base/limits.ts';
import { createWalk, type Walk } from '../engine/check.ts';
import { explain } from '../engine/explain.ts';
import type { TreeNode } from '../engine/tree.ts';
import type { Verdict } from '../engine/verdict.ts';
import {
  ExpandRequestSchema,
  WriteAuthorizationModelRequestSchema,
} from '../gen/openfga/v1/openfga_service_pb.ts';
import { ExplainRequestSchema } from '../gen/pemba/v1/query_service_pb.ts';
import {
  ChangeKind,
  DeleteTuplesRequestSchema,
  OnDuplicate,
  OnMissing,
  ReadTupleChangesRequestSchema,
  ReadTuplesRequestSchema,
  Requirement,
  WriteTuplesRequestSchema,
} from '../gen/pemba/v1/tuple_service_pb.ts';
import { modelFromDsl } from '../model/dsl.ts';
import type { StoreId } from '../model/ids.ts';
import { interruptOf, viewFor } from '../service/consistency.ts';
import { expandFor, expandRequestOf } from '../service/expand.ts';
import { createWriteAuthorizationModel } from '../service/models.ts';
import { createDeleteTuples } from '../service/pemba-delete-tuples.ts';
import { createReadTupleChanges, createReadTuples } from '../service/pemba-read-tuples.ts';
import { createWriteTuples } from '../service/pemba-write-tuples.ts';
import { answerQuery, type Query, readQuery, requireRelation } from '../service/query-request.ts';
import { parseConsistencyToken } from '../storage/revision.ts';
import type { CallOptions, Door } from './door.ts';
import { type Explained, explainedOf } from './explained.ts';
import {
  type ListedObjects,
  type ListedSubjects,
  type ListObjectsQuestion,
  type ListSubjectsQuestion,
  listObjects,
  listSubjects,
} from './lists.ts';
import { PlainQuestions } from './plain-questions.ts';
import type {
  Change,
  Question,
  RelationsHeld,
  StoredTuple,
  TupleChange,
  Written,
} from './questions.ts';
import { filterInit, type TupleFilter, textOfMessage, tupleInit } from './texts.ts';

const onDuplicate = {
  error: OnDuplicate.ERROR,
  ignore: OnDuplicate.IGNORE,
  replace: OnDuplicate.REPLACE,
} as const;
const onMissing = { error: OnMissing.ERROR, ignore: OnMissing.IGNORE } as const;
const requirements = {
  exist: Requirement.MUST_EXIST,
  not_exist: Requirement.MUST_NOT_EXIST,
} as const;
const changeKinds: Readonly<Record<number, TupleChange['kind']>> = {
  [ChangeKind.WRITE]: 'write',
  [ChangeKind.DELETE]: 'delete',
  [ChangeKind.EXPIRY]: 'expiry',
};

/** Every method throws, or rejects with, a `Refusal` for what it cannot or must not do. */
export class Store {
  readonly id: string;
  readonly #id: StoreId;
  readonly #door: Door;

  /** Use `Pemba.createStore` or `Pemba.store`. */
  constructor(id: StoreId, door: Door) {
    this.id = id;
    this.#id = id;
    this.#door = door;
  }

  /** Writes a model, as DSL text or in JSON form, and makes it the store's latest. Returns its id. */
  async writeModel(model: string | JsonObject, options: CallOptions = {}): Promise<string> {
    const definition = typeof model === 'string' ? await modelFromDsl(model) : model;
    const request = fromJson(
      WriteAuthorizationModelRequestSchema,
      { ...(definition as Struct), store_id: this.id },
      { ignoreUnknownFields: true },
    );
    this.#door.check(WriteAuthorizationModelRequestSchema, request);
    const handle = createWriteAuthorizationModel(this.#door.service);
    const call = this.#door.call('writeModel', options);
    return (await handle(request, call)).authorizationModelId;
  }

  /** Deletes, then writes, all or nothing, durably: 1,000 tuples at most. */
  async write(change: Change, options: CallOptions & { modelId?: string } = {}): Promise<Written> {
    const request = this.#door.message(WriteTuplesRequestSchema, {
      storeId: this.id,
      writes: (change.writes ?? []).map(tupleInit),
      deletes: (change.deletes ?? []).map(({ object, relation, subject }) => ({
        object,
        relation,
        subject,
      })),
      preconditions: (change.preconditions ?? []).map(({ must, filter }) => ({
        requirement: requirements[must],
        filter: filterInit(filter),
      })),
      onDuplicate: onDuplicate[change.onDuplicate ?? 'error'],
      onMissing: onMissing[change.onMissing ?? 'error'],
      idempotencyKey: change.idempotencyKey ?? '',
      modelId: options.modelId ?? '',
    });
    const call = this.#door.call('write', options);
    const answer = await createWriteTuples(this.#door.service)(request, call);
    const revision = parseConsistencyToken(answer.consistencyToken, this.#id);
    return { revision, repeated: answer.repeatedWrite };
  }

  /**
   * Deletes the tuples that match, in rounds of a transaction each; those that are written meanwhile
   * stay. Returns how many there were. A filter that names nothing is refused: give `'all'`.
   */
  async deleteTuples(filter: TupleFilter | 'all', options: CallOptions = {}): Promise<number> {
    const handle = createDeleteTuples(this.#door.service);
    const asked = filter === 'all' ? { all: true } : { filter: filterInit(filter) };
    let deleted = 0;
    for (let cursor = ''; ; ) {
      const fields = { storeId: this.id, ...asked, cursor };
      const request = this.#door.message(DeleteTuplesRequestSchema, fields);
      const round = await handle(request, this.#door.call('deleteTuples', options));
      deleted += round.deleted;
      if (round.cursor === '') return deleted;
      cursor = round.cursor;
    }
  }

  /** The stored tuples that match, in the order of their keys. Rewrites are not followed. */
  async *read(
    filter: TupleFilter = {},
    options: CallOptions = {},
  ): AsyncGenerator<StoredTuple, void, void> {
    const handle = createReadTuples(this.#door.service);
    const fields = {
      storeId: this.id,
      filter: filterInit(filter),
      pageSize: limits.tuplePageSizeMax,
    };
    for (let cursor = ''; ; ) {
      const request = this.#door.message(ReadTuplesRequestSchema, { ...fields, cursor });
      const page = await handle(request, this.#door.call('read', options));
      for (const { tuple, writtenAt } of page.tuples) {
        assert(tuple !== undefined && writtenAt !== undefined, 'a stored tuple has all its parts');
        yield { tuple: textOfMessage(tuple), writtenAt: timestampDate(writtenAt) };
      }
      if (page.cursor === '') return;
      cursor = page.cursor;
    }
  }

  /** What became of the tuples, oldest first, up to the newest change there is. */
  async *changes(
    from: { readonly objectType?: string; readonly since?: Date } = {},
    options: CallOptions = {},
  ): AsyncGenerator<TupleChange, void, void> {
    const handle = createReadTupleChanges(this.#door.service);
    const { objectType = '', since } = from;
    const fields = {
      storeId: this.id,
      objectType,
      pageSize: limits.tuplePageSizeMax,
      ...(since === undefined ? {} : { startTime: timestampFromDate(since) }),
    };
    for (let cursor = ''; ; ) {
      const request = this.#door.message(ReadTupleChangesRequestSchema, { ...fields, cursor });
      const page = await handle(request, this.#door.call('changes', options));
      for (const { kind, tuple, changedAt, consistencyToken } of page.changes) {
        const named = changeKinds[kind];
        assert(named && tuple && changedAt, 'a change has all its parts');
        const revision = parseConsistencyToken(consistencyToken, this.#id);
        const text = textOfMessage(tuple);
        yield { kind: named, tuple: text, changedAt: timestampDate(changedAt), revision };
      }
      if (page.changes.length === 0) return;
      cursor = page.cursor;
    }
  }

  /**
   * Synchronous, at the newest revision. `unknown` names the parameters that conditions lack;
   * `failed` carries the refusal of a limit or of a condition that cannot be computed.
   */
  check(question: Question): Verdict {
    const { service } = this.#door;
    const plain = new PlainQuestions(service, this.#id);
    const verdict = service.datastore.local.view(this.#id, (snapshot) =>
      plain.check(question, snapshot),
    );
    if (verdict !== undefined) return verdict;
    return this.#answer(question, ({ snapshot, model, object, check }) => {
      requireRelation(model, object.type, question.relation);
      return createWalk(snapshot, model, check).check(object, question.relation);
    });
  }

  /**
   * Checks at one revision, 50 at most, in the order of the questions. One that is refused is
   * `failed`; the others are answered. The time is that of `options`, not of the questions.
   */
  batchCheck(
    questions: readonly Omit<Question, keyof CallOptions>[],
    options: CallOptions = {},
  ): readonly Verdict[] {
    if (questions.length > limits.batchChecksMax) {
      throw new Refusal(
        'validation_error',
        `${questions.length} checks are more than the ${limits.batchChecksMax} of one batch; ask in several`,
      );
    }
    const { service } = this.#door;
    const call = this.#door.call('batchCheck', options);
    const walks = new Map<string, Walk>();
    const plain = new PlainQuestions(service, this.#id, { interrupt: interruptOf(service, call) });
    const verdicts = viewFor(
      service,
      call,
      { store: this.#id, preference: undefined },
      (snapshot) =>
        questions.map((question): Verdict => {
          try {
            const verdict = plain.check(question, snapshot);
            if (verdict !== undefined) return verdict;
            const query = readQuery(service, call, this.#request(question), snapshot);
            requireRelation(query.model, query.object.type, question.relation);
            const key = walkKey(question);
            const walk = walks.get(key) ?? createWalk(snapshot, query.model, query.check);
            walks.set(key, walk);
            return walk.check(query.object, question.relation);
          } catch (error) {
            if (!(error instanceof Refusal)) throw error;
            return { kind: 'failed', refusal: error };
          }
        }),
    );
    return atOnce(verdicts);
  }

  /** All relations that the subject has to the object, or those of `relations`, by one walk. */
  listRelations(
    question: Omit<Question, 'relation'> & { readonly relations?: readonly string[] },
  ): RelationsHeld {
    return this.#answer({ ...question, relation: 'any' }, ({ snapshot, model, object, check }) => {
      for (const relation of question.relations ?? [])
        requireRelation(model, object.type, relation);
      const asked = new Set(question.relations ?? []);
      const walk = createWalk(snapshot, model, check);
      const relations: string[] = [];
      const unanswered: { relation: string; verdict: Verdict }[] = [];
      for (const relation of model.model.types.get(object.type)?.relations.keys() ?? []) {
        if (asked.size > 0 && !asked.has(relation)) continue;
        const verdict = walk.check(object, relation);
        if (verdict.kind === 'allowed') relations.push(relation);
        else if (verdict.kind !== 'denied') unanswered.push({ relation, verdict });
      }
      return { relations, unanswered };
    });
  }

  /** The answer of a check with its reason as a tree, and what would allow it where it is denied. */
  explain(question: Question): Explained {
    return this.#answer(question, ({ snapshot, model, object, check }) => {
      const { relation } = question;
      requireRelation(model, object.type, relation);
      return explainedOf(explain(snapshot, model, { ...check, object, relation }));
    });
  }

  /** One level of a relation's rewrite with the tuples put in; conditions are not evaluated. */
  expand(
    question: Pick<Question, 'object' | 'relation' | 'modelId' | keyof CallOptions>,
  ): TreeNode {
    const request = expandRequestOf(this.id, question);
    this.#door.check(ExpandRequestSchema, request);
    return atOnce(expandFor(this.#door.service, this.#door.call('expand', question), request));
  }

  /**
   * The objects of a type to which the subject has the relation: exactly those that a check allows,
   * by id. Whole, or refused: `resource_exhausted` above 100,000, `deadline_exceeded`.
   */
  async listObjects(question: ListObjectsQuestion): Promise<ListedObjects> {
    return await listObjects(this.#door, this.#id, question);
  }

  /**
   * The subjects of one kind that have the relation to the object: exactly those that a check
   * allows, by id. Whole or refused, as `listObjects`.
   */
  async listSubjects(question: ListSubjectsQuestion): Promise<ListedSubjects> {
    return await listSubjects(this.#door, this.#id, question);
  }

  #request(question: Question) {
    const { object, relation, subject, contextualTuples = [], context, modelId = '' } = question;
    return this.#door.message(ExplainRequestSchema, {
      storeId: this.id,
      object,
      relation,
      subject,
      modelId,
      contextualTuples: contextualTuples.map(tupleInit),
      ...(context === undefined ? {} : { context: context as Struct }),
    });
  }

  #answer<Answer>(question: Question, answer: (query: Query) => Answer): Answer {
    const call = this.#door.call('check', question);
    return atOnce(answerQuery(this.#door.service, call, this.#request(question), answer));
  }
}

/** Nothing that is asked at the newest revision of this machine waits. */
function atOnce<Answer>(answer: Answer | Promise<Answer>): Answer {
  assert(!(answer instanceof Promise), 'a question without a token is answered at once');
  return answer;
}

/** All of a question that can change an answer, but for the object and the relation. Injective. */
function walkKey(question: Omit<Question, keyof CallOptions>): string {
  const { subject, contextualTuples = [], context = {}, modelId = '' } = question;
  const tuples = contextualTuples.map(
    ({ object, relation, subject, condition }): JsonValue => [
      object,
      relation,
      subject,
      condition === undefined ? null : [condition.name, condition.context ?? {}],
    ],
  );
  return canonicalJson([subject, modelId, tuples, context]);
}
