/**
 * BatchCheck: many questions at one revision. Items about the same subject under the same context
 * and contextual tuples share one walk, so that what one finds the next need not look up.
 */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Refusal } from '../base/errors.ts';
import { canonicalJson, type JsonValue } from '../base/json.ts';
import { limits } from '../base/limits.ts';
import { createWalk, type Walk } from '../engine/check.ts';
import { isAllowed } from '../engine/verdict.ts';
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
import type { Snapshot } from '../storage/datastore.ts';
import type { Call, Unary } from './call.ts';
import { contextualTupleUse } from './check.ts';
import { interruptOf, refuseLate, viewFor } from './consistency.ts';
import { resolveModel, type Service } from './service.ts';
import { readQuestion, readValidTuples } from './valid-tuple.ts';
import { readStoreId } from './wire.ts';

export function createBatchCheck(service: Service): Unary<BatchCheckRequest, BatchCheckResponse> {
  return (request, call) => {
    const store = readStoreId(request.storeId);
    const at = { store, preference: request.consistency };
    return viewFor(service, call, at, (snapshot) => {
      const model = resolveModel(service, call, { store, snapshot, request });
      refuseBadBatch(request.checks);
      const now = service.clock.now();
      const batch: Batch = { service, call, snapshot, model, now, walks: new Map() };
      // Made from entries, for which `__proto__` is a correlation id like any other.
      const result = Object.fromEntries(
        request.checks.map((item) => [item.correlationId, answer(batch, item)]),
      );
      return create(BatchCheckResponseSchema, { result });
    });
  };
}

/** What the items of one request share. */
interface Batch {
  readonly service: Service;
  readonly call: Call;
  readonly snapshot: Snapshot;
  readonly model: CompiledModel;
  readonly now: number;
  readonly walks: Map<string, Walk>;
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
function answer(batch: Batch, item: BatchCheckItem): BatchCheckSingleResult {
  try {
    refuseLate(batch.service, batch.call);
    // The field rules let no item through that asks nothing.
    const { object, relation, subject } = readQuestion(batch.model, item.tupleKey!);
    const key = walkKey(item);
    let walk = batch.walks.get(key);
    if (walk === undefined) {
      walk = createWalk(batch.snapshot, batch.model, {
        now: batch.now,
        subject,
        contextualTuples: readValidTuples(
          batch.model,
          item.contextualTuples?.tupleKeys,
          contextualTupleUse,
        ),
        context: item.context ?? {},
        depthMax: batch.service.checkDepthMax,
        stepsMax: batch.service.checkStepsMax,
        interrupt: interruptOf(batch.service, batch.call),
      });
      batch.walks.set(key, walk);
    }
    const allowed = isAllowed(walk.check(object, relation));
    return create(BatchCheckSingleResultSchema, {
      checkResult: { case: 'allowed', value: allowed },
    });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return create(BatchCheckSingleResultSchema, {
      checkResult: { case: 'error', value: errorOf(error) },
    });
  }
}

/** All of an item that can change an answer, but for the object and the relation. Injective. */
function walkKey(item: BatchCheckItem): string {
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
