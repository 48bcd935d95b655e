/**
 * ImportTuples: a chunk of a load. A tuple is judged as WriteTuples judges it, but what many of them
 * have in common only once: each text, and each way in which a relation is given to a kind of subject.
 */
import { create } from '@bufbuild/protobuf';
import { assert } from '../base/assert.ts';
import { Refusal } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Tuple as TupleMessage } from '../gen/pemba/v1/tuple_pb.ts';
import {
  type ImportTuplesRequest,
  type ImportTuplesResponse,
  ImportTuplesResponseSchema,
} from '../gen/pemba/v1/tuple_service_pb.ts';
import type { CompiledModel } from '../model/compiled.ts';
import { type ObjectRef, wildcardId } from '../model/tuple.ts';
import { TupleChecksum } from '../model/tuple-checksum.ts';
import {
  type BlockGuard,
  none,
  type TupleBlock,
  TupleBlockBuilder,
} from '../storage/tuple-block.ts';
import type { Unary } from './call.ts';
import { refuseLate, setToken, viewFor } from './consistency.ts';
import { wireKeyOf } from './pemba-tuple.ts';
import { readDuplicate, readExpiring } from './pemba-write-tuples.ts';
import { resolveModel, type Service } from './service.ts';
import { readObject, readStoreId, readSubject } from './wire.ts';
import { duplicateTuple, refuseEmpty } from './write-tuples.ts';

export function createImportTuples(
  service: Service,
): Unary<ImportTuplesRequest, ImportTuplesResponse> {
  return async (request, call) => {
    const store = readStoreId(request.storeId);
    const named = { authorizationModelId: request.modelId };
    refuseSize(request.tuples.length);
    const model = await viewFor(service, call, { store, preference: undefined }, (snapshot) =>
      resolveModel(service, call, { store, snapshot, request: named }),
    );
    const read = await readBlock(service, model, request.tuples);
    refuseLate(service, call);
    const { idempotencyKey } = request;
    const { revision, repeated } = await service.datastore.importTuples(store, {
      block: read.block,
      onDuplicate: readDuplicate(request.onDuplicate),
      ...(idempotencyKey === '' ? {} : { idempotencyKey }),
    });
    const consistencyToken = setToken(call, store, revision);
    const { checksum } = read;
    return create(ImportTuplesResponseSchema, {
      consistencyToken,
      repeatedWrite: repeated,
      checksum,
    });
  };
}

/** Tuples that are read before others get their turn: a fraction of a millisecond. */
const tuplesPerTurn = 250;

function refuseSize(count: number): void {
  refuseEmpty(count);
  if (count <= limits.tuplesPerImportMax) return;
  throw new Refusal(
    'exceeded_entity_limit',
    `${count} tuples exceed the ${limits.tuplesPerImportMax} of one import: send them in several`,
  );
}

/** A text of the chunk, and its places in the block. */
interface ReadObject {
  readonly entity: number;
  readonly type: string;
}
interface ReadSubject extends ReadObject {
  readonly relation: string;
  readonly relationPlace: number;
  /** What the model says of its subjects. Undefined: it is to be judged each time. */
  readonly kind: string | undefined;
}

async function readBlock(
  service: Service,
  model: CompiledModel,
  messages: readonly TupleMessage[],
): Promise<{ block: TupleBlock; checksum: bigint }> {
  const block = new TupleBlockBuilder();
  const checksum = new TupleChecksum();
  const objects = new Map<string, ReadObject>();
  const subjects = new Map<string, ReadSubject>();
  /** Kinds of tuples without a guard of which one was found good. */
  const good = new Set<string>();
  let repeated: TupleMessage | undefined;

  function objectOf(text: string): ReadObject | undefined {
    const known = objects.get(text);
    if (known !== undefined) return known;
    const read = readObject(text);
    if (read.fault !== undefined) return undefined;
    const object = placed(read.value);
    objects.set(text, object);
    return object;
  }

  function subjectOf(text: string): ReadSubject | undefined {
    const known = subjects.get(text);
    if (known !== undefined) return known;
    const read = readSubject(text);
    if (read.fault !== undefined) return undefined;
    const { type, id, relation } = read.value;
    const relationPlace = relation === '' ? none : block.symbol(relation);
    const kind = id.includes(wildcardId) ? undefined : `${type}#${relation}`;
    const subject = { ...placed(read.value), relation, relationPlace, kind };
    subjects.set(text, subject);
    return subject;
  }

  function placed({ type, id }: ObjectRef): ReadObject {
    return { entity: block.entity(`${type}:${id}`, block.symbol(type), id), type };
  }

  function add(message: TupleMessage): void {
    const object = objectOf(message.object);
    const subject = subjectOf(message.subject);
    const isGuarded = message.condition !== undefined || message.expiresAt !== undefined;
    const kind = isGuarded || isOwn(object, subject) ? undefined : subject?.kind;
    const whole = kind && `${object?.type}#${message.relation}@${kind}`;
    let guard: BlockGuard | undefined;
    if (whole === undefined || !good.has(whole)) {
      const { condition, expiresAt } = readExpiring(service, model, message);
      if (isGuarded) guard = { condition, expiresAt };
      if (whole !== undefined) good.add(whole);
    }
    assert(object !== undefined && subject !== undefined, 'a tuple that is good can be read');
    const relation = block.symbol(message.relation);
    checksum.add({ ...texts(message), guard });
    const added = block.add(object.entity, relation, subject.entity, subject.relationPlace, guard);
    if (!added) repeated ??= message;
  }

  for (let from = 0; from < messages.length; from += tuplesPerTurn) {
    for (const message of messages.slice(from, from + tuplesPerTurn)) add(message);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  if (repeated !== undefined) throw duplicateTuple(wireKeyOf(repeated));
  return { block: block.build(), checksum: checksum.value };
}

/** A userset of the object itself: whether it may be written depends on the relation. */
function isOwn(object: ReadObject | undefined, subject: ReadSubject | undefined): boolean {
  return subject?.relation !== '' && subject?.entity === object?.entity;
}

function texts({ object, relation, subject }: TupleMessage) {
  return { object, relation, subject };
}
