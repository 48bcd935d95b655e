/** ListSubjects of `pemba.v1`: the subjects that have relations to an object, in pages. */
import { create } from '@bufbuild/protobuf';
import { Refusal } from '../base/errors.ts';
import { type SubjectKind, type SubjectRow, subjectsOf } from '../engine/subjects-of.ts';
import {
  type ListSubjectsRequest,
  type ListSubjectsResponse,
  ListSubjectsResponseSchema,
} from '../gen/pemba/v1/query_service_pb.ts';
import type { CompiledModel } from '../model/compiled.ts';
import { formatObject, formatSubject } from '../model/tuple.ts';
import type { Unary } from './call.ts';
import { ListCache } from './list-cache.ts';
import { unansweredOf } from './list-relations.ts';
import { bytesOfRow, type PageOf, readPage, tuplesOfQuery } from './paged-list.ts';
import { asSet } from './query-objects.ts';
import { readContextualTuples, readQueryObject, requireRelation } from './query-request.ts';
import type { Service } from './service.ts';
import { requireListed } from './valid-tuple.ts';

export function createQuerySubjects(
  service: Service,
): Unary<ListSubjectsRequest, ListSubjectsResponse> {
  const cache = new ListCache<SubjectRow>(
    ({ subject, except, ...row }) =>
      except.reduce((sum, id) => sum + 40 + 2 * id.length, bytesOfRow(row, subject.id)),
    service.lists.keptBytesMax,
  );
  return (request, call) => {
    const page = readPage(service, call, request, {
      query: queryOf(request),
      cache,
      list: (snapshot, model, run) => {
        const object = readQueryObject(model, request.object);
        for (const relation of request.relations) requireRelation(model, object.type, relation);
        return subjectsOf(snapshot, model, {
          object,
          relations: model.relations
            .filter(({ typeName }) => typeName === object.type)
            .filter(({ name }) => isAskedFor(name, request.relations))
            .map(({ index }) => index),
          kinds: kindsOf(model, request.subjectTypes),
          contextualTuples: readContextualTuples(model, request.contextualTuples),
          context: request.context ?? {},
          ...run,
          rowsMax: service.lists.rowsMax,
          exceptionsMax: service.lists.exceptionsMax,
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

function listed({ subject, relations, unanswered, except }: SubjectRow) {
  return {
    subject: formatSubject(subject),
    relations: [...relations],
    unanswered: unanswered.map(({ relation, verdict }) => unansweredOf(relation, verdict)),
    except: except.map((id) => formatObject({ type: subject.type, id })),
  };
}

function responseOf({ rows, ...page }: PageOf<ReturnType<typeof listed>>) {
  return create(ListSubjectsResponseSchema, { ...page, subjects: rows });
}

function queryOf({ object, relations, subjectTypes, ...request }: ListSubjectsRequest) {
  return [
    'subjects',
    object,
    asSet(relations),
    asSet(subjectTypes),
    tuplesOfQuery(request.contextualTuples),
    request.context ?? {},
  ];
}

/** In the order of the model; of those that nobody can be, the engine finds none. */
function kindsOf(model: CompiledModel, wanted: readonly string[]): readonly SubjectKind[] {
  for (const text of wanted) {
    const [type = '', relation, ...rest] = text.split('#');
    if (type === '' || relation === '' || rest.length > 0) {
      throw new Refusal(
        'validation_error',
        `\`${text}\` is no kind of subject: give \`type\` or \`type#relation\``,
      );
    }
    requireListed(model, type, relation ?? '');
  }
  const kinds = [...model.model.types.values()].flatMap(({ name: type, relations }) =>
    ['', ...relations.keys()].map((relation) => ({ type, relation })),
  );
  return kinds.filter(({ type, relation }) =>
    isAskedFor(relation === '' ? type : `${type}#${relation}`, wanted),
  );
}

function isAskedFor(name: string, wanted: readonly string[]): boolean {
  return wanted.length === 0 || wanted.includes(name);
}
