/**
 * BatchCheck: many questions at one revision. Items about the same subject under the same context
 * and contextual tuples share one walk, so that what one finds the next need not look up.
 */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Refusal } from '../base/errors.ts';
import { canonicalJson, type JsonValue } from '../base/json.ts';
import { limits } from '../base/limits.ts';
import { createWalk, type Walk } from '../engine/check.ts';
import type { Interrupt } from '../engine/steps.ts';
import { allOf, isAllowed, type Verdict } from '../engine/verdict.ts';
import { ErrorCode, InternalErrorCode } from '../gen/openfga/v1/errors_ignore_pb.ts';
import {
  type BatchCheckItem,
  type BatchCheckRequest,
  type BatchCheckResponse,
  type BatchCheckSingleResult,
  BatchCheckSingleResultSchema,
  type CheckErrorSchema,
} from '../gen/openfga/v1/openfga_service_pb.ts';
import type { CompiledModel } from '../model/compiled.ts';
import type { SubjectRef } from '../model/tuple.ts';
import type { Snapshot } from '../storage/datastore.ts';
import { type Asked, ask, isPlain } from './asked.ts';
import { bareWalk, isBare } from './bare-walk.ts';
import { allowedResult, BatchAnswer, deniedResult } from './batch-answer.ts';
import type { Call, Unary } from './call.ts';
import { contextualTupleUse } from './check.ts';
import { interruptOf, refuseLate, viewFor } from './consistency.ts';
import { resolveModel, type Service } from './service.ts';
import { Challenges, decide } from './step-up.ts';
import { withSubjectToken } from './subject-identity.ts';
import { readQuestions, readTarget, readValidTuples } from './valid-tuple.ts';
import { type KeyText, readStoreId } from './wire.ts';

export function createBatchCheck(service: Service): Unary<BatchCheckRequest, BatchCheckResponse> {
  return (request, call) =>
    withSubjectToken(service.subjects, call, (token) => {
      const store = readStoreId(request.storeId);
      const at = { store, preference: request.consistency };
      return viewFor(service, call, at, (snapshot) => {
        const model = resolveModel(service, call, { store, snapshot, request });
        refuseBadBatch(request.checks);
        const now = service.clock.now();
        const askedOf = ({ tupleKey }: BatchCheckItem) =>
          ask(service, call, token, tupleKey!.user, now);
        const batch: Batch = {
          ...{ service, call, snapshot, model, now, askedOf },
          interrupt: interruptOf(service, call),
          challenges: new Challenges(call),
          bareWalks: new Map(),
          walks: new Map(),
        };
        // Before any is answered: a batch that asks about whom it may not is refused as a whole, as
        // its items have no code for that. The field rules let no item through that asks nothing.
        const asked = isPlain(service, token) ? undefined : request.checks.map(askedOf);
        return new BatchAnswer(
          request.checks.map(({ correlationId }) => correlationId),
          request.checks.map((item, i) => answer(batch, item, asked?.[i])),
        );
      });
    });
}

/** What the items of one request share. */
interface Batch {
  readonly service: Service;
  readonly call: Call;
  readonly snapshot: Snapshot;
  readonly model: CompiledModel;
  readonly now: number;
  readonly askedOf: (item: BatchCheckItem) => Asked;
  readonly interrupt: Interrupt;
  readonly challenges: Challenges;
  /** Of the items that are questions alone, by their subjects. */
  readonly bareWalks: Map<string, Walk>;
  /** By what an item says besides its question: a walk for each subject that must be allowed. */
  readonly walks: Map<string, readonly Walk[]>;
}

function refuseBadBatch(checks: readonly BatchCheckItem[]): void {
  if (checks.length > limits.batchChecksMax) {
    throw new Refusal(
      'validation_error',
      `batchCheck received ${checks.length} checks, the maximum allowed is ${limits.batchChecksMax}`,
    );
  }
  const seen = new Set<string>();
  for (const { correlationId } of checks) {
    if (seen.has(correlationId)) {
      throw new Refusal('validation_error', `received duplicate correlation id: ${correlationId}`);
    }
    seen.add(correlationId);
  }
}

/**
 * A refusal belongs to its item; anything else is a bug and fails the batch. `asked` is undefined where
 * no identity file can have a say in it.
 */
function answer(
  batch: Batch,
  item: BatchCheckItem,
  asked: Asked | undefined,
): BatchCheckSingleResult {
  try {
    refuseLate(batch.service, batch.call);
    const verdict =
      asked === undefined && isBare(item)
        ? bareVerdict(batch, item.tupleKey!)
        : fullVerdict(batch, item, asked ?? batch.askedOf(item));
    return isAllowed(verdict) ? allowedResult : deniedResult;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return create(BatchCheckSingleResultSchema, {
      checkResult: { case: 'error', value: errorOf(error) },
    });
  }
}

function fullVerdict(batch: Batch, item: BatchCheckItem, asked: Asked): Verdict {
  const { object, relation, subjects } = readQuestions(batch.model, item.tupleKey!, asked.users);
  const walks = walksFor(batch, item, asked, subjects);
  const verdict = allOf(walks, (walk) => walk.check(object, relation));
  return decide(asked, { type: object.type, relation }, verdict, (stepUp) =>
    batch.challenges.addFor(item.correlationId, stepUp),
  );
}

/** Of a question alone, as nearly every item is. */
function bareVerdict(batch: Batch, key: KeyText): Verdict {
  let walk = batch.bareWalks.get(key.user);
  if (walk === undefined) {
    walk = bareWalk(batch, key.user);
    batch.bareWalks.set(key.user, walk);
  }
  return walk.check(readTarget(batch.model, key), key.relation);
}

function walksFor(
  batch: Batch,
  item: BatchCheckItem,
  asked: Asked,
  subjects: readonly SubjectRef[],
): readonly Walk[] {
  const { service, model, now, interrupt } = batch;
  const key = walkKey(item);
  const known = batch.walks.get(key);
  if (known !== undefined) return known;
  const tuples = readValidTuples(model, item.contextualTuples?.tupleKeys, contextualTupleUse);
  const check = {
    now,
    contextualTuples: asked.tuples(model, tuples),
    context: asked.context(item.context),
    depthMax: service.checkDepthMax,
    stepsMax: service.checkStepsMax,
    interrupt,
  };
  const reader = asked.reader(batch.snapshot, model);
  const walks = subjects.map((subject) => createWalk(reader, model, { ...check, subject }));
  batch.walks.set(key, walks);
  return walks;
}

/**
 * All of an item that can change an answer, but for the object, the relation and the subject token,
 * which is the batch's. Injective.
 */
function walkKey(item: BatchCheckItem): string {
  if (item.contextualTuples === undefined && item.context === undefined) {
    // The other keys begin with a bracket.
    return `user ${item.tupleKey?.user ?? ''}`;
  }
  const tuples = (item.contextualTuples?.tupleKeys ?? []).map(
    ({ user, relation, object, condition }): JsonValue => [
      user,
      relation,
      object,
      condition === undefined ? null : [condition.name, condition.context ?? {}],
    ],
  );
  return canonicalJson([item.tupleKey?.user ?? '', tuples, item.context ?? {}]);
}

/** The wire keeps the caller's faults and the server's in two enums. */
const inputErrors: Readonly<Record<string, ErrorCode>> = ErrorCode;
const internalErrors: Readonly<Record<string, InternalErrorCode>> = InternalErrorCode;

function errorOf(refusal: Refusal): MessageInitShape<typeof CheckErrorSchema> {
  const { message } = refusal;
  const inputError = inputErrors[refusal.code];
  if (inputError !== undefined) return { code: { case: 'inputError', value: inputError }, message };
  const value = internalErrors[refusal.code] ?? InternalErrorCode.internal_error;
  return { code: { case: 'internalError', value }, message };
}
