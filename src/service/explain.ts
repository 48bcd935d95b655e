/** Explain: the answer of a check with its reason. */
import { create, type MessageInitShape, type JsonObject as Struct } from '@bufbuild/protobuf';
import { explain } from '../engine/explain.ts';
import type { End, ExplainNode, Operator, Truth, UsedTuple } from '../engine/explanation.ts';
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
import { formatObject } from '../model/tuple.ts';
import type { Unary } from './call.ts';
import { tupleInit } from './pemba-tuple.ts';
import { answerQuery, requireRelation } from './query-request.ts';
import type { Service } from './service.ts';

export function createExplain(service: Service): Unary<ExplainRequest, ExplainResponse> {
  return (request, call) =>
    answerQuery(service, call, request, ({ snapshot, model, object, check }) => {
      const { relation } = request;
      requireRelation(model, object.type, relation);
      const found = explain(snapshot, model, { ...check, object, relation });
      return create(ExplainResponseSchema, {
        outcome: outcomes[found.outcome],
        missingParameters: [...found.missing],
        tree: nodeInit(found.tree),
        truncated: found.truncated,
        wouldAllow: found.wouldAllow.map((tuples) => ({ tuples: tuples.map(tupleInit) })),
      });
    });
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
