/** Write: deletes, then writes, all or nothing. Only what is written must be allowed by the model. */
import { create, fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf';
import { StructSchema } from '@bufbuild/protobuf/wkt';
import { Refusal } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { TupleKey as TupleKeyMessage } from '../gen/openfga/v1/openfga_pb.ts';
import {
  type WriteRequest,
  type WriteResponse,
  WriteResponseSchema,
} from '../gen/openfga/v1/openfga_service_pb.ts';
import type { CompiledModel } from '../model/compiled.ts';
import type { BareTuple, Tuple } from '../model/tuple.ts';
import type { TupleWrite } from '../storage/datastore.ts';
import { refuseReserved } from './asked.ts';
import type { Unary } from './call.ts';
import { refuseLate, setToken, viewFor } from './consistency.ts';
import { resolveModel, type Service } from './service.ts';
import { readValidTuple, type TupleUse, tupleFaultText } from './valid-tuple.ts';
import { type KeyText, keyText, readStoreId, readTuple } from './wire.ts';

const writeUse: TupleUse = {
  use: 'write',
  codes: { tuple: 'validation_error', condition: 'validation_error' },
};

export function createWrite(service: Service): Unary<WriteRequest, WriteResponse> {
  return async (request, call) => {
    const store = readStoreId(request.storeId);
    const write = await viewFor(service, call, { store, preference: undefined }, (snapshot) =>
      readWrite(service, resolveModel(service, call, { store, snapshot, request }), request),
    );
    refuseLate(service, call);
    const { revision } = await service.datastore.write(store, write);
    setToken(call, store, revision);
    return create(WriteResponseSchema);
  };
}

function readWrite(service: Service, model: CompiledModel, request: WriteRequest): TupleWrite {
  const deletes = request.deletes?.tupleKeys ?? [];
  const writes = request.writes?.tupleKeys ?? [];
  refuseEmpty(deletes.length + writes.length);
  const write: TupleWrite = {
    writes: writes.map((message) => readWritten(service, model, message)),
    deletes: deletes.map(readDeleted),
    onDuplicate: readChoice('on_duplicate', request.writes?.onDuplicate),
    onMissing: readChoice('on_missing', request.deletes?.onMissing),
  };
  refuseDuplicates([...deletes, ...writes]);
  if (deletes.length + writes.length > limits.tuplesPerWriteMax) {
    throw new Refusal(
      'exceeded_entity_limit',
      `The number of write operations exceeds the allowed limit of ${limits.tuplesPerWriteMax}`,
    );
  }
  return write;
}

export function refuseEmpty(tuples: number): void {
  if (tuples > 0) return;
  throw new Refusal(
    'invalid_write_input',
    'Invalid input. Make sure you provide at least one write, or at least one delete',
  );
}

export function readWritten(
  { subjects }: Service,
  model: CompiledModel,
  message: TupleKeyMessage,
): Tuple {
  const tuple = readValidTuple(model, message, writeUse);
  if (subjects !== undefined) refuseReserved(tuple);
  const context = message.condition?.context;
  if (context !== undefined) refuseLargeContext(message, context);
  return tuple;
}

function refuseLargeContext(message: TupleKeyMessage, context: JsonObject): void {
  const bytes = toBinary(StructSchema, fromJson(StructSchema, context)).length;
  if (bytes <= limits.tupleContextBytesMax) return;
  const reason = `condition context size limit exceeded: ${bytes} bytes exceeds ${limits.tupleContextBytesMax} bytes`;
  throw new Refusal('validation_error', tupleFaultText(message, { kind: 'tuple', reason }));
}

/** The model in use does not matter: what an earlier one allowed can still be deleted. */
export function readDeleted(message: KeyText): BareTuple {
  const read = readTuple(message);
  if (read.fault === undefined) return read.value;
  const fault = { kind: 'tuple', reason: read.fault } as const;
  throw new Refusal('validation_error', tupleFaultText(message, fault));
}

function readChoice(option: string, choice = ''): 'error' | 'ignore' {
  if (choice === 'ignore') return 'ignore';
  if (choice === '' || choice === 'error') return 'error';
  throw new Refusal('validation_error', `invalid ${option} option: ${choice}`);
}

export function refuseDuplicates(keys: readonly KeyText[]): void {
  const seen = new Set<string>();
  for (const key of keys) {
    // Injective for well-formed keys: neither an object nor a relation holds `#` or `@` at its end.
    const text = keyText(key);
    if (seen.has(text)) {
      throw duplicateTuple(key);
    }
    seen.add(text);
  }
}

export function duplicateTuple({ user, relation, object }: KeyText): Refusal {
  return new Refusal(
    'cannot_allow_duplicate_tuples_in_one_request',
    `duplicate tuple in write: user: '${user}', relation: '${relation}', object: '${object}'`,
  );
}
