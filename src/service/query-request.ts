/** What the requests of `pemba.v1.QueryService` have in common, read against the model in use. */
import { assert } from '../base/assert.ts';
import { Refusal } from '../base/errors.ts';
import type { JsonObject } from '../base/json.ts';
import type { Interrupt } from '../engine/steps.ts';
import type { ConsistencyPreference } from '../gen/openfga/v1/openfga_service_consistency_pb.ts';
import type { Tuple as TupleMessage } from '../gen/pemba/v1/tuple_pb.ts';
import type { CompiledModel } from '../model/compiled.ts';
import {
  type ObjectRef,
  parseObject,
  parseSubject,
  type SubjectRef,
  type Tuple,
  wildcardId,
} from '../model/tuple.ts';
import type { Snapshot } from '../storage/datastore.ts';
import type { TupleReader } from '../storage/tuple-reader.ts';
import { type Asked, ask } from './asked.ts';
import type { Call } from './call.ts';
import { contextualTupleUse } from './check.ts';
import { interruptOf, viewFor } from './consistency.ts';
import { wireContextualOf } from './pemba-tuple.ts';
import { resolveModel, type Service } from './service.ts';
import { type SubjectToken, withSubjectToken } from './subject-identity.ts';
import { readKnownSubject, readValidTuples } from './valid-tuple.ts';
import { readStoreId } from './wire.ts';

interface QueryRequest {
  readonly storeId: string;
  readonly subject: string;
  readonly object: string;
  readonly modelId: string;
  readonly contextualTuples: readonly TupleMessage[];
  readonly context?: JsonObject | undefined;
  readonly consistency: ConsistencyPreference;
}

/** The engine's request, but for what is asked of the object. */
export interface Query {
  /** The stored tuples, as far as they count. */
  readonly snapshot: TupleReader;
  readonly model: CompiledModel;
  readonly object: ObjectRef;
  readonly asked: Asked;
  /** Who must be allowed, each. */
  readonly subjects: readonly SubjectRef[];
  /** The engine's request about the first of them. */
  readonly check: {
    readonly subject: SubjectRef;
    readonly contextualTuples: readonly Tuple[];
    readonly context: JsonObject;
    readonly now: number;
    readonly depthMax: number;
    readonly stepsMax: number;
    readonly interrupt: Interrupt;
  };
}

/** Answers over one snapshot. The subject is judged before the object, both before the tuples. */
export function answerQuery<Answer>(
  service: Service,
  call: Call,
  request: QueryRequest,
  answer: (query: Query) => Answer,
): Answer | Promise<Answer> {
  const at = { store: readStoreId(request.storeId), preference: request.consistency };
  return withSubjectToken(service.subjects, call, (token) =>
    viewFor(service, call, at, (snapshot) =>
      answer(readQuery(service, call, request, snapshot, token)),
    ),
  );
}

/** One of several questions at one revision. */
export function readQuery(
  service: Service,
  call: Call,
  request: QueryRequest,
  base: Snapshot,
  token?: SubjectToken,
): Query {
  const store = readStoreId(request.storeId);
  const named = { authorizationModelId: request.modelId };
  const now = service.clock.now();
  const model = resolveModel(service, call, { store, snapshot: base, request: named });
  const asked = ask(service, call, token, request.subject, now);
  const subjects = asked.users.map((user) => readQuerySubject(model, user));
  const [subject] = subjects;
  assert(subject !== undefined, 'somebody is asked about');
  const object = readQueryObject(model, request.object);
  const own = readContextualTuples(model, request.contextualTuples);
  const contextualTuples = asked.tuples(model, own);
  const context = asked.context(request.context);
  const { checkDepthMax: depthMax, checkStepsMax: stepsMax } = service;
  const interrupt = interruptOf(service, call);
  const check = { subject, contextualTuples, context, now, depthMax, stepsMax, interrupt };
  return { snapshot: asked.reader(base, model), model, object, asked, subjects, check };
}

export function requireRelation(model: CompiledModel, type: string, relation: string): void {
  if (model.relationIndex(type, relation) !== -1) return;
  throw new Refusal(
    'validation_error',
    `relation '${type}#${relation}' not found; the model names the relations of each type`,
  );
}

export function readQuerySubject(model: CompiledModel, text: string) {
  if (parseSubject(text) !== undefined) return readKnownSubject(model, text);
  throw new Refusal(
    'validation_error',
    `\`${text}\` is no subject: give \`type:id\`, \`type:id#relation\` or \`type:*\``,
  );
}

export function readQueryObject(model: CompiledModel, text: string): ObjectRef {
  const object = parseObject(text);
  if (object === undefined || object.id === wildcardId) {
    throw new Refusal('validation_error', `\`${text}\` is no object: give \`type:id\``);
  }
  if (!model.model.types.has(object.type)) {
    throw new Refusal('validation_error', `type '${object.type}' not found`);
  }
  return object;
}

export function readContextualTuples(
  model: CompiledModel,
  messages: readonly TupleMessage[],
): readonly Tuple[] {
  return readValidTuples(model, messages.map(wireContextualOf), contextualTupleUse);
}
