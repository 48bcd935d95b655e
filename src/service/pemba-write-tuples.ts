/** WriteTuples: the wire's Write, with expiry, preconditions, replacement and idempotency keys. */
import { create } from '@bufbuild/protobuf';
import { Refusal } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Tuple as TupleMessage } from '../gen/pemba/v1/tuple_pb.ts';
import {
  OnDuplicate,
  OnMissing,
  type Precondition as PreconditionMessage,
  Requirement,
  type WriteTuplesRequest,
  type WriteTuplesResponse,
  WriteTuplesResponseSchema,
} from '../gen/pemba/v1/tuple_service_pb.ts';
import type { CompiledModel } from '../model/compiled.ts';
import type { Tuple } from '../model/tuple.ts';
import type { Precondition, TupleWrite } from '../storage/datastore.ts';
import type { Unary } from './call.ts';
import { refuseLate, setToken, viewFor } from './consistency.ts';
import { readExpiry, readFilter, wireKeyOf, wireTupleOf } from './pemba-tuple.ts';
import { resolveModel, type Service } from './service.ts';
import { readStoreId } from './wire.ts';
import { readDeleted, readWritten, refuseDuplicates, refuseEmpty } from './write-tuples.ts';

export function createWriteTuples(
  service: Service,
): Unary<WriteTuplesRequest, WriteTuplesResponse> {
  return async (request, call) => {
    const store = readStoreId(request.storeId);
    const named = { authorizationModelId: request.modelId };
    const write = await viewFor(service, call, { store, preference: undefined }, (snapshot) =>
      readWrite(service, resolveModel(service, call, { store, snapshot, request: named }), request),
    );
    refuseLate(service, call);
    const { revision, repeated } = await service.datastore.write(store, write);
    const consistencyToken = setToken(call, store, revision);
    return create(WriteTuplesResponseSchema, { consistencyToken, repeatedWrite: repeated });
  };
}

function readWrite(
  service: Service,
  model: CompiledModel,
  request: WriteTuplesRequest,
): TupleWrite {
  const { writes, deletes, idempotencyKey } = request;
  const count = writes.length + deletes.length;
  refuseEmpty(count);
  if (count > limits.tuplesPerLargeWriteMax) {
    throw new Refusal(
      'exceeded_entity_limit',
      `${count} tuples exceed the ${limits.tuplesPerLargeWriteMax} of one write: send them in several`,
    );
  }
  const write: TupleWrite = {
    preconditions: request.preconditions.map(readPrecondition),
    deletes: deletes.map((message) => readDeleted(wireKeyOf(message))),
    writes: writes.map((message) => readExpiring(service, model, message)),
    onDuplicate: readDuplicate(request.onDuplicate),
    onMissing: request.onMissing === OnMissing.IGNORE ? 'ignore' : 'error',
    ...(idempotencyKey === '' ? {} : { idempotencyKey }),
  };
  refuseDuplicates([...deletes.map(wireKeyOf), ...writes.map(wireTupleOf)]);
  return write;
}

export function readDuplicate(choice: OnDuplicate): TupleWrite['onDuplicate'] {
  if (choice === OnDuplicate.IGNORE) return 'ignore';
  return choice === OnDuplicate.REPLACE ? 'replace' : 'error';
}

/** Whether the time lies ahead is judged where it is written: a repeated write is none. */
export function readExpiring(service: Service, model: CompiledModel, message: TupleMessage): Tuple {
  const tuple = readWritten(service, model, wireTupleOf(message));
  const { expiresAt } = message;
  return expiresAt === undefined ? tuple : { ...tuple, expiresAt: readExpiry(expiresAt) };
}

function readPrecondition(message: PreconditionMessage, index: number): Precondition {
  const { requirement } = message;
  if (requirement === Requirement.UNSPECIFIED) {
    throw malformed(index, 'names no requirement: give REQUIREMENT_MUST_EXIST or _MUST_NOT_EXIST');
  }
  const filter = readFilter(message.filter) ?? {};
  // Anything less is no look-up, and the writer would scan while all others wait for it.
  if (filter.objectId === undefined && filter.subject === undefined) {
    throw malformed(index, 'must name an `object` or a `subject` in its filter');
  }
  return { filter, must: requirement === Requirement.MUST_EXIST ? 'exist' : 'not_exist' };
}

/** Counted from 1, as people do. */
function malformed(index: number, fault: string): Refusal {
  return new Refusal('validation_error', `precondition ${index + 1} ${fault}`);
}
