/** ListObjects of `pemba.v1`: the objects to which a subject has relations, in pages. */
import { create } from '@bufbuild/protobuf';
import { Refusal } from '../base/errors.ts';
import { type ObjectRow, objectsOf } from '../engine/objects-of.ts';
import { canHold, type Scope } from '../engine/scope.ts';
import {
  type ListObjectsRequest,
  type ListObjectsResponse,
  ListObjectsResponseSchema,
  type Scope as ScopeMessage,
} from '../gen/pemba/v1/query_service_pb.ts';
import type { CompiledModel } from '../model/compiled.ts';
import { formatObject } from '../model/tuple.ts';
import type { Unary } from './call.ts';
import { ListCache } from './list-cache.ts';
import { unansweredOf } from './list-relations.ts';
import { bytesOfRow, type PageOf, readPage, tuplesOfQuery } from './paged-list.ts';
import { readContextualTuples, readQueryObject, readQuerySubject } from './query-request.ts';
import type { Service } from './service.ts';

export function createQueryObjects(
  service: Service,
): Unary<ListObjectsRequest, ListObjectsResponse> {
  const cache = new ListCache<ObjectRow>(
    (row) => bytesOfRow(row, row.object.id),
    service.lists.keptBytesMax,
  );
  return (request, call) => {
    const page = readPage(service, call, request, {
      query: queryOf(request),
      cache,
      list: (snapshot, model, run) => {
        const subject = readQuerySubject(model, request.subject);
        const relations = relationsOf(model, request);
        return objectsOf(snapshot, model, {
          subject,
          relations,
          scope: readScope(model, request.scope),
          contextualTuples: readContextualTuples(model, request.contextualTuples),
          context: request.context ?? {},
          ...run,
          rowsMax: service.lists.rowsMax,
          depthMax: service.checkDepthMax,
          stepsMax: service.checkStepsMax,
          sliceSteps: service.lists.sliceSteps,
        });
      },
      listed,
    });
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

function responseOf({ rows, ...page }: PageOf<ReturnType<typeof listed>>) {
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
