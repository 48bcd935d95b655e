/** ListRelations: every relation that a subject has to an object, by one walk over one snapshot. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { createWalk } from '../engine/check.ts';
import { allOf, refusalOf, type Verdict } from '../engine/verdict.ts';
import {
  type ListRelationsRequest,
  type ListRelationsResponse,
  ListRelationsResponseSchema,
  type ObligationSchema,
  type UnansweredRelationSchema,
} from '../gen/pemba/v1/query_service_pb.ts';
import type { CompiledModel } from '../model/compiled.ts';
import type { Unary } from './call.ts';
import { refuseLate } from './consistency.ts';
import { answerQuery, requireRelation } from './query-request.ts';
import type { Service } from './service.ts';
import { Challenges, decide, obligationOf } from './step-up.ts';

export function createListRelations(
  service: Service,
): Unary<ListRelationsRequest, ListRelationsResponse> {
  return (request, call) =>
    answerQuery(service, call, request, ({ snapshot, model, object, asked, subjects, check }) => {
      const wanted = relationsAsked(model, object.type, request.relations);
      const walks = subjects.map((subject) => createWalk(snapshot, model, { ...check, subject }));
      const challenges = new Challenges(call);
      const relations: string[] = [];
      const unanswered: MessageInitShape<typeof UnansweredRelationSchema>[] = [];
      const obligations: MessageInitShape<typeof ObligationSchema>[] = [];
      for (const relation of wanted) {
        refuseLate(service, call);
        const at = { type: object.type, relation };
        const found = allOf(walks, (walk) => walk.check(object, relation));
        const verdict = decide(asked, at, found, (stepUp) => {
          challenges.add(stepUp);
          obligations.push(obligationOf(relation, stepUp));
        });
        if (verdict.kind === 'allowed') relations.push(relation);
        else if (verdict.kind !== 'denied') unanswered.push(unansweredOf(relation, verdict));
      }
      return create(ListRelationsResponseSchema, { relations, unanswered, obligations });
    });
}

/** In the order of the model, each once, whatever the request's. */
function relationsAsked(
  model: CompiledModel,
  type: string,
  wanted: readonly string[],
): readonly string[] {
  for (const relation of wanted) requireRelation(model, type, relation);
  const all = [...(model.model.types.get(type)?.relations.keys() ?? [])];
  if (wanted.length === 0) return all;
  const asked = new Set(wanted);
  return all.filter((relation) => asked.has(relation));
}

/** What is told of a relation whose check has no answer. */
export function unansweredOf(
  relation: string,
  verdict: Extract<Verdict, { kind: 'unknown' | 'failed' }>,
) {
  const { code, message } = refusalOf(verdict);
  const missingParameters = verdict.kind === 'unknown' ? [...verdict.parameters] : [];
  return { relation, code, message, missingParameters };
}
