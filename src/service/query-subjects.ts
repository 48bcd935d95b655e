/** ListSubjects of `pemba.v1`: the subjects that have relations to an object, in pages. */
import { create } from '@bufbuild/protobuf';
import { Refusal } from '../base/errors.ts';
import type { UnansweredRelation } from '../engine/findings.ts';
import { type SubjectKind, type SubjectRow, subjectsOf } from '../engine/subjects-of.ts';
import {
  type ListedSubject,
  ListedSubjectSchema,
  type ListSubjectsRequest,
  type ListSubjectsResponse,
  ListSubjectsResponseSchema,
} from '../gen/pemba/v1/query_service_pb.ts';
import type { CompiledModel, CompiledRelation } from '../model/compiled.ts';
import { formatObject, formatSubject, type ObjectRef } from '../model/tuple.ts';
import { askAboutAnybody } from './asked.ts';
import type { Unary } from './call.ts';
import { ListCache } from './list-cache.ts';
import { unansweredOf } from './list-relations.ts';
import { type OwnAnswers, ownAnswers } from './own-answers.ts';
import { bytesOfRow, type PageOf, readPage, tuplesOfQuery } from './paged-list.ts';
import { asSet } from './query-objects.ts';
import { readContextualTuples, readQueryObject, requireRelation } from './query-request.ts';
import type { Service } from './service.ts';
import { Challenges } from './step-up.ts';
import { withSubjectToken } from './subject-identity.ts';
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
    const page = withSubjectToken(service.subjects, call, (token) =>
      readPage(service, call, request, {
        query: queryOf(request),
        cache,
        askedAt: (now) => askAboutAnybody(service, call, token, now),
        *list(snapshot, model, asked, { now, interrupt }) {
          const object = readQueryObject(model, request.object);
          for (const relation of request.relations) requireRelation(model, object.type, relation);
          const relations = model.relations
            .filter(({ typeName }) => typeName === object.type)
            .filter(({ name }) => isAskedFor(name, request.relations));
          const kinds = kindsOf(model, request.subjectTypes);
          const own = readContextualTuples(model, request.contextualTuples);
          const check = {
            contextualTuples: asked.tuples(model, own),
            context: asked.context(request.context),
            now,
            interrupt,
            depthMax: service.checkDepthMax,
            stepsMax: service.checkStepsMax,
          };
          const reader = asked.reader(snapshot, model);
          if (asked.isOwn) {
            const answers = ownAnswers(asked, { reader, model, check }, new Challenges(call));
            return ownRows(answers, kinds, object, relations);
          }
          const { rowsMax, exceptionsMax, sliceSteps } = service.lists;
          const bounds = { rowsMax, exceptionsMax, sliceSteps };
          const indexes = relations.map(({ index }) => index);
          const asking = { ...check, ...bounds, object, relations: indexes, kinds };
          return yield* subjectsOf(reader, model, asking);
        },
        listed,
        message: (row) => create(ListedSubjectSchema, row),
      }),
    );
    return page instanceof Promise ? page.then(responseOf) : responseOf(page);
  };
}

/** The row of the token's subject, if it has one of the relations or may have it. */
function ownRows(
  { subject, verdict }: OwnAnswers,
  kinds: readonly SubjectKind[],
  object: ObjectRef,
  relations: readonly CompiledRelation[],
): readonly SubjectRow[] {
  const isListed = kinds.some(({ type, relation }) => type === subject.type && relation === '');
  if (!isListed) return [];
  const held: string[] = [];
  const unanswered: UnansweredRelation[] = [];
  for (const { name: relation } of relations) {
    const found = verdict(object, relation);
    if (found.kind === 'allowed') held.push(relation);
    else if (found.kind !== 'denied') unanswered.push({ relation, verdict: found });
  }
  if (held.length === 0 && unanswered.length === 0) return [];
  return [{ subject, relations: held, unanswered, except: [] }];
}

function listed({ subject, relations, unanswered, except }: SubjectRow) {
  return {
    subject: formatSubject(subject),
    relations: [...relations],
    unanswered: unanswered.map(({ relation, verdict }) => unansweredOf(relation, verdict)),
    except: except.map((id) => formatObject({ type: subject.type, id })),
  };
}

function responseOf({ rows, ...page }: PageOf<ListedSubject>) {
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
