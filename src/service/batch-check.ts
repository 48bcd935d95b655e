/**
 * BatchCheck: many questions at one revision. Items about the same subject under the same context
 * and contextual tuples share one walk, so that what one finds the next need not look up.
 */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Refusal } from '../base/errors.ts';
import { canonicalJson, type JsonValue } from '../base/json.ts';
import { limits } from '../base/limits.ts';
import { createWalk, type Walk } from '../engine/check.ts';
import { allOf, isAllowed } from '../engine/verdict.ts';
import { ErrorCode, InternalErrorCode } from '../gen/openfga/v1/errors_ignore_pb.ts';
import {
  type BatchCheckItem,
  type BatchCheckRequest,
  type BatchCheckResponse,
  BatchCheckResponseSchema,
  type BatchCheckSingleResult,
  BatchCheckSingleResultSchema,
  type CheckErrorSchema,
} from '../gen/openfga/v1/openfga_service_pb.ts';
import type { CompiledModel } from '../model/compiled.ts';
import type { SubjectRef } from '../model/tuple.ts';
import type { Snapshot } from '../storage/datastore.ts';
import { type Asked, ask } from './asked.ts';
import type { Call, Unary } from './call.ts';
import { contextualTupleUse } from './check.ts';
import { interruptOf, refuseLate, viewFor } from './consistency.ts';
import { resolveModel, type Service } from './service.ts';
import { Challenges, decide } from './step-up.ts';
import { withSubjectToken } from './subject-identity.ts';
import { readQuestions, readValidTuples } from './valid-tuple.ts';
import { readStoreId } from './wire.ts';

export function createBatchCheck(service: Service): Unary<BatchCheckRequest, BatchCheckResponse> {
  return (request, call) =>
    withSubjectToken(service.subjects, call, (token) => {
      const store = readStoreId(request.storeId);
      const at = { store, preference: request.consistency };
      return viewFor(service, call, at, (snapshot) => {
        const model = resolveModel(service, call, { store, snapshot, request });
        refuseBadBatch(request.checks);
        const now = service.clock.now();
        // Before any is answered: a batch that asks about whom it may not is refused as a whole, as
        // its items have no code for that. The field rules let no item through that asks nothing.
        const asked = request.checks.map((item) =>
          ask(service, call, token, item.tupleKey!.user, now),
        );
        const challenges = new Challenges(call);
        const batch: Batch = { service, call, snapshot, model, now, challenges, walks: new Map() };
        const response = create(BatchCheckResponseSchema);
        // Made from entries, for which `__proto__` is a correlation id like any other.
        response.result = Object.fromEntries(
          request.checks.map((item, i) => [
            item.correlationId,
            answer(batch, item, asked[i] as Asked),
          ]),
        );
        return response;
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
  readonly challenges: Challenges;
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

/** A refusal belongs to its item; anything else is a bug and fails the batch. */
function answer(batch: Batch, item: BatchCheckItem, asked: Asked): BatchCheckSingleResult {
  try {
    refuseLate(batch.service, batch.call);
    const { object, relation, subjects } = readQuestions(batch.model, item.tupleKey!, asked.users);
    const walks = walksFor(batch, item, asked, subjects);
    const verdict = allOf(walks, (walk) => walk.check(object, relation));
    const decided = decide(asked, { type: object.type, relation }, verdict, (stepUp) =>
      batch.challenges.addFor(item.correlationId, stepUp),
    );
    return isAllowed(decided) ? allowed : denied;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return create(BatchCheckSingleResultSchema, {
      checkResult: { case: 'error', value: errorOf(error) },
    });
  }
}

/** Frozen, so that whoever encodes them may do so once and for all. */
const allowed = resultOf(true);
const denied = resultOf(false);

function resultOf(value: boolean): BatchCheckSingleResult {
  const result = create(BatchCheckSingleResultSchema, { checkResult: { case: 'allowed', value } });
  Object.freeze(result.checkResult);
  return Object.freeze(result);
}

function walksFor(
  batch: Batch,
  item: BatchCheckItem,
  asked: Asked,
  subjects: readonly SubjectRef[],
): readonly Walk[] {
  const { service, call, model, now } = batch;
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
    interrupt: interruptOf(service, call),
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
