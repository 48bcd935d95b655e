/** Questions put to the services of `pemba.v1`. */
import { toJson } from '@bufbuild/protobuf';
import { assert } from '../../src/base/assert.ts';
import {
  type ExplainResponse,
  type ListRelationsResponse,
  Outcome as Outcomes,
} from '../../src/gen/pemba/v1/query_service_pb.ts';
import { TupleSchema } from '../../src/gen/pemba/v1/tuple_pb.ts';
import {
  type Answer,
  type Asked,
  answerOf,
  answerTo,
  inTurn,
  memoized,
  queryOf,
  settingOf,
} from './asked.ts';
import type { ServedWorld } from './served-world.ts';

export function askRelations(
  served: ServedWorld,
  asked: readonly Asked[],
): Promise<readonly Answer[]> {
  const setting = settingOf(served, asked);
  const listed = memoized(async (object = '', subject = '') => {
    const request = { ...queryOf(served, setting), object, subject };
    try {
      return (await served.caller.call('listRelations', request)) as ListRelationsResponse;
    } catch (error) {
      return answerOf(error);
    }
  });
  return inTurn(asked, async ({ object, relation, subject }) => {
    const list = await listed(object, subject);
    if (typeof list === 'string') return list;
    const without = list.unanswered.find((each) => each.relation === relation);
    if (without !== undefined) return answerTo(without.code);
    return list.relations.includes(relation) ? 'allowed' : 'denied';
  });
}

/** Each set of tuples that is said to allow what was denied is tried. */
export function askExplain(
  served: ServedWorld,
  asked: readonly Asked[],
): Promise<readonly Answer[]> {
  const query = queryOf(served, settingOf(served, asked));
  return inTurn(asked, async ({ subject, relation, object }) => {
    const request = { ...query, subject, relation, object };
    const explain = async (with_: object) =>
      (await served.caller.call('explain', { ...request, ...with_ })) as ExplainResponse;
    try {
      const { outcome, wouldAllow } = await explain({});
      if (outcome === Outcomes.CONDITIONAL) return 'error';
      for (const { tuples } of served.shared ? [] : wouldAllow) {
        const added = tuples.map((tuple) => toJson(TupleSchema, tuple));
        const again = await explain({ contextual_tuples: [...query.contextual_tuples, ...added] });
        assert(again.outcome === Outcomes.ALLOWED, 'a suggestion allows what was denied');
      }
      return outcome === Outcomes.ALLOWED ? 'allowed' : 'denied';
    } catch (error) {
      return answerOf(error);
    }
  });
}
