/** Every API that answers for a subject, asked one and the same question: yes or no. */
import type { JsonObject } from '@bufbuild/protobuf';
import { Refusal } from '../../src/base/errors.ts';
import type { Answered, Asked } from './harness.ts';
import type { SubjectWorld } from './subject-world.ts';

export interface SubjectQuestion {
  readonly user: string;
  readonly relation: string;
  readonly object: string;
  readonly context?: JsonObject;
  readonly tuples?: readonly JsonObject[];
}

export interface SubjectAnswer {
  readonly allowed: boolean;
  readonly headers: Answered['headers'];
}

type Ask = (
  world: SubjectWorld,
  question: SubjectQuestion,
  options: Asked,
) => Promise<SubjectAnswer>;

const typeOf = (object: string) => object.split(':')[0] as string;

/** Contextual tuples of `pemba.v1` say `subject`. */
const ofPemba = (tuples: readonly JsonObject[] = []) =>
  tuples.map(({ user, ...rest }) => ({ ...rest, subject: user as string }));

const wireParts = (store: string, { context, tuples }: SubjectQuestion) => ({
  store_id: store,
  ...(context && { context }),
  contextual_tuples: { tuple_keys: [...(tuples ?? [])] },
});

const pembaParts = (store: string, { user, context, tuples }: SubjectQuestion) => ({
  store_id: store,
  subject: user,
  ...(context && { context }),
  contextual_tuples: ofPemba(tuples),
});

export const apis: Readonly<Record<string, Ask>> = {
  async Check(world, question, options) {
    const { user, relation, object } = question;
    const request = { ...wireParts(world.store, question), tuple_key: { user, relation, object } };
    const { body, headers } = await world.ask('Check', request, options);
    return { allowed: body.allowed, headers };
  },
  async BatchCheck(world, question, options) {
    const { user, relation, object } = question;
    const { store_id, ...parts } = wireParts(world.store, question);
    const checks = [{ ...parts, tuple_key: { user, relation, object }, correlation_id: 'one' }];
    const { body, headers } = await world.ask('BatchCheck', { store_id, checks }, options);
    const { allowed, error } = body.result.one;
    // An item's refusal, as if it were the call's.
    if (error) throw new Refusal(error.input_error ?? error.internal_error, error.message);
    return { allowed, headers };
  },
  async ListObjects(world, question, options) {
    const { user, relation, object } = question;
    const request = { ...wireParts(world.store, question), user, relation, type: typeOf(object) };
    const { body, headers } = await world.ask('ListObjects', request, options);
    return { allowed: body.objects.includes(object), headers };
  },
  async StreamedListObjects(world, question, options) {
    const { user, relation, object } = question;
    const request = { ...wireParts(world.store, question), user, relation, type: typeOf(object) };
    const { body, headers } = await world.ask('StreamedListObjects', request, options);
    return { allowed: body.some((each: JsonObject) => each.object === object), headers };
  },
  async ListRelations(world, question, options) {
    const { relation, object } = question;
    const request = { ...pembaParts(world.store, question), object, relations: [relation] };
    const { body, headers } = await world.ask('ListRelations', request, options);
    return { allowed: body.relations.includes(relation), headers };
  },
  async Explain(world, question, options) {
    const { relation, object } = question;
    const request = { ...pembaParts(world.store, question), object, relation };
    const { body, headers } = await world.ask('Explain', request, options);
    return { allowed: body.outcome === 'OUTCOME_ALLOWED', headers };
  },
  async 'QueryService/ListObjects'(world, question, options) {
    const { relation, object } = question;
    const of = { types: [typeOf(object)], relations: [relation] };
    const request = { ...pembaParts(world.store, question), ...of };
    const { body, headers } = await world.ask('QueryService/ListObjects', request, options);
    return { allowed: body.objects.some((row: JsonObject) => row.object === object), headers };
  },
};

/** The lists of subjects name nobody; they answer for the token's own. */
export const listsOfSubjects: Readonly<Record<string, Ask>> = {
  async ListUsers(world, question, options) {
    const { relation, object, user, context, tuples } = question;
    const [type, id] = object.split(':') as [string, string];
    const request = {
      store_id: world.store,
      object: { type, id },
      relation,
      user_filters: [{ type: 'user' }],
      contextual_tuples: [...(tuples ?? [])],
      ...(context && { context }),
    };
    const { body, headers } = await world.ask('ListUsers', request, options);
    const users = body.users.map(({ object }: { object?: { type: string; id: string } }) =>
      object === undefined ? 'user:*' : `${object.type}:${object.id}`,
    );
    return { allowed: users.includes(user), headers };
  },
  async ListSubjects(world, question, options) {
    const { relation, object, user } = question;
    const { subject: _, ...parts } = pembaParts(world.store, question);
    const request = { ...parts, object, relations: [relation], subject_types: ['user'] };
    const { body, headers } = await world.ask('ListSubjects', request, options);
    return {
      allowed: body.subjects.some((row: JsonObject) => row.subject === user),
      headers,
    };
  },
};
