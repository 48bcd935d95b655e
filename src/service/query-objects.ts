/** ListObjects of `pemba.v1`: the objects to which a subject has relations, in pages. */
import { create } from '@bufbuild/protobuf';
import { assert } from '../base/assert.ts';
import { Refusal } from '../base/errors.ts';
import { createWalk } from '../engine/check.ts';
import { type ObjectRow, objectsOf } from '../engine/objects-of.ts';
import { canHold, type Scope } from '../engine/scope.ts';
import { Steps } from '../engine/steps.ts';
import {
  type ListedObject,
  ListedObjectSchema,
  type ListObjectsRequest,
  type ListObjectsResponse,
  ListObjectsResponseSchema,
  type Scope as ScopeMessage,
} from '../gen/pemba/v1/query_service_pb.ts';
import type { CompiledModel } from '../model/compiled.ts';
import { formatObject } from '../model/tuple.ts';
import { ask } from './asked.ts';
import type { Unary } from './call.ts';
import { ListCache } from './list-cache.ts';
import { unansweredOf } from './list-relations.ts';
import { bytesOfRow, type PageOf, readPage, tuplesOfQuery } from './paged-list.ts';
import { readContextualTuples, readQueryObject, readQuerySubject } from './query-request.ts';
import { rowsHeldTo } from './rows-held-to.ts';
import type { Service } from './service.ts';
import { Challenges } from './step-up.ts';
import { withSubjectToken } from './subject-identity.ts';

export function createQueryObjects(
  service: Service,
): Unary<ListObjectsRequest, ListObjectsResponse> {
  const cache = new ListCache<ObjectRow>(
    (row) => bytesOfRow(row, row.object.id),
    service.lists.keptBytesMax,
  );
  return (request, call) => {
    const page = withSubjectToken(service.subjects, call, (token) =>
      readPage(service, call, request, {
        query: queryOf(request),
        cache,
        askedAt: (now) => ask(service, call, token, request.subject, now),
        *list(snapshot, model, asked, { now, interrupt }) {
          const [subject, ...others] = asked.users.map((user) => readQuerySubject(model, user));
          assert(subject !== undefined, 'somebody is asked about');
          const relations = relationsOf(model, request);
          const scope = readScope(model, request.scope);
          const own = readContextualTuples(model, request.contextualTuples);
          const check = {
            contextualTuples: asked.tuples(model, own),
            context: asked.context(request.context),
            now,
            interrupt,
            depthMax: service.checkDepthMax,
            stepsMax: service.checkStepsMax,
          };
          const { rowsMax, sliceSteps } = service.lists;
          const bounds = { rowsMax, sliceSteps };
          const reader = asked.reader(snapshot, model);
          const asking = { ...check, ...bounds, subject, relations, scope };
          const rows = yield* objectsOf(reader, model, asking);
          if (!asked.isOwn) return rows;
          const walks = others.map((other) =>
            createWalk(reader, model, { ...check, subject: other }),
          );
          const challenges = new Challenges(call);
          return yield* rowsHeldTo(rows, {
            model,
            asked,
            walks,
            challenges,
            steps: new Steps(sliceSteps),
          });
        },
        listed,
        message: (row) => create(ListedObjectSchema, row),
      }),
    );
    return page instanceof Promise ? page.then(responseOf) : responseOf(page);
  };
}

function listed({ object, relations, unanswered }: ObjectRow) {
  return {
    object: formatObject(object),
    relations: [...relations],
    unanswered: unanswered.map(({ relation, verdict }) => unansweredOf(relation, verdict)),
  };
}

function responseOf({ rows, ...page }: PageOf<ListedObject>) {
  return create(ListObjectsResponseSchema, { ...page, objects: rows });
}

/** Types and relations stand for a set: neither their order nor repetition changes the list. */
function queryOf({ subject, types, relations, scope, ...request }: ListObjectsRequest) {
  return [
    'objects',
    subject,
    asSet(types),
    asSet(relations),
    scope === undefined ? null : [scope.object, scope.relation, scope.direct],
    tuplesOfQuery(request.contextualTuples),
    request.context ?? {},
  ];
}

export function asSet(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort();
}

/** The relations of the types asked for, in the order of the model. */
function relationsOf(
  model: CompiledModel,
  { types, relations }: ListObjectsRequest,
): readonly number[] {
  for (const type of types) {
    if (model.model.types.has(type)) continue;
    throw new Refusal('type_not_found', `type '${type}' not found; the model names its types`);
  }
  const ofTypes = model.relations.filter(
    ({ typeName }) => types.length === 0 || types.includes(typeName),
  );
  for (const relation of relations) {
    if (ofTypes.some(({ name }) => name === relation)) continue;
    throw new Refusal(
      'relation_not_found',
      `relation '${relation}' not found: none of the types asked for has it`,
    );
  }
  return ofTypes
    .filter(({ name }) => relations.length === 0 || relations.includes(name))
    .map(({ index }) => index);
}

function readScope(model: CompiledModel, message: ScopeMessage | undefined): Scope | undefined {
  if (message === undefined) return undefined;
  const { relation, direct } = message;
  const object = readQueryObject(model, message.object);
  const scope = { object, relation, direct };
  if (canHold(model, scope)) return scope;
  throw new Refusal(
    'validation_error',
    `nothing can be under \`${message.object}\`: the model has no relation \`${relation}\` that takes objects of the type \`${object.type}\``,
  );
}
