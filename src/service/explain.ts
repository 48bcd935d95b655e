/** Explain: the answer of a check with its reason. */
import { create, type MessageInitShape, type JsonObject as Struct } from '@bufbuild/protobuf';
import { assert } from '../base/assert.ts';
import { explain } from '../engine/explain.ts';
import type {
  End,
  ExplainNode,
  Explanation,
  Operator,
  Truth,
  UsedTuple,
} from '../engine/explanation.ts';
import {
  type ExplainNodeSchema,
  type ExplainRequest,
  type ExplainResponse,
  ExplainResponseSchema,
  type UsedTupleSchema,
  End as WireEnd,
  Operator as WireOperator,
  Outcome as WireOutcome,
  Value as WireValue,
} from '../gen/pemba/v1/query_service_pb.ts';
import { formatObject, formatSubject, type SubjectRef } from '../model/tuple.ts';
import type { Unary } from './call.ts';
import { tupleInit } from './pemba-tuple.ts';
import { answerQuery, requireRelation } from './query-request.ts';
import type { Service } from './service.ts';
import { Challenges, obligationOf } from './step-up.ts';

export function createExplain(service: Service): Unary<ExplainRequest, ExplainResponse> {
  return (request, call) =>
    answerQuery(service, call, request, ({ snapshot, model, object, asked, subjects, check }) => {
      const { relation } = request;
      requireRelation(model, object.type, relation);
      const { subject, found } = explainAll(subjects, (subject) =>
        explain(snapshot, model, { ...check, object, relation, subject }),
      );
      const shortage = asked.shortOf(object.type, relation);
      const isShort =
        shortage?.kind === 'scopes' || (shortage !== undefined && found.outcome === 'allowed');
      const needed = isShort && shortage.kind === 'step_up' ? [shortage.stepUp] : [];
      for (const stepUp of needed) new Challenges(call).add(stepUp);
      // To write what the token alone decides would allow nothing.
      const grants = found.wouldAllow.filter(
        (tuples) => !tuples.some((tuple) => asked.isDecided(tuple)),
      );
      return create(ExplainResponseSchema, {
        outcome: outcomes[isShort ? 'denied' : found.outcome],
        missingParameters: isShort ? [] : [...found.missing],
        tree: nodeInit(found.tree),
        truncated: found.truncated,
        wouldAllow: grants.map((tuples) => ({ tuples: tuples.map(tupleInit) })),
        subject: formatSubject(subject),
        missingScopes: shortage?.kind === 'scopes' ? [...shortage.scopes] : [],
        obligations: needed.map((stepUp) => obligationOf(relation, stepUp)),
      });
    });
}

interface Explained {
  readonly subject: SubjectRef;
  readonly found: Explanation;
}

/** Of several who must all be allowed, the one on whom the answer hangs: who is denied, if any is. */
function explainAll(
  subjects: readonly SubjectRef[],
  explainOne: (subject: SubjectRef) => Explanation,
): Explained {
  let answer: Explained | undefined;
  for (const subject of subjects) {
    const one = { subject, found: explainOne(subject) };
    if (one.found.outcome === 'denied') return one;
    const isOpen = answer?.found.outcome === 'allowed' && one.found.outcome === 'conditional';
    if (answer === undefined || isOpen) answer = one;
  }
  assert(answer !== undefined, 'somebody is asked about');
  return answer;
}

const outcomes = {
  allowed: WireOutcome.ALLOWED,
  denied: WireOutcome.DENIED,
  conditional: WireOutcome.CONDITIONAL,
} as const;

const operators: Readonly<Record<Operator, WireOperator>> = {
  direct: WireOperator.DIRECT,
  userset: WireOperator.USERSET,
  computed: WireOperator.COMPUTED,
  from: WireOperator.FROM,
  union: WireOperator.UNION,
  intersection: WireOperator.INTERSECTION,
  exclusion: WireOperator.EXCLUSION,
};

const values: Readonly<Record<Truth, WireValue>> = {
  true: WireValue.TRUE,
  false: WireValue.FALSE,
  undefined: WireValue.UNDEFINED,
  unknown: WireValue.UNKNOWN,
};

const ends: Readonly<Record<End, WireEnd>> = {
  cycle: WireEnd.CYCLE,
  repeated: WireEnd.REPEATED,
  truncated: WireEnd.TRUNCATED,
  impossible: WireEnd.IMPOSSIBLE,
  subject: WireEnd.SUBJECT,
};

function nodeInit(node: ExplainNode): MessageInitShape<typeof ExplainNodeSchema> {
  return {
    object: formatObject(node.object),
    relation: node.relation,
    operator: operators[node.operator],
    value: values[node.value],
    tuples: node.tuples.map(usedInit),
    children: node.children.map(nodeInit),
    end: node.end === undefined ? WireEnd.UNSPECIFIED : ends[node.end],
    tupleset: node.tupleset ?? '',
  };
}

function usedInit(used: UsedTuple): MessageInitShape<typeof UsedTupleSchema> {
  const { tuple, value, contextual, parameters, missing, error } = used;
  return {
    tuple: tupleInit(tuple),
    value: values[value],
    contextual,
    ...(tuple.condition === undefined ? {} : { parameters: parameters as Struct }),
    missingParameters: [...missing],
    error: error ?? '',
  };
}
