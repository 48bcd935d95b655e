/** A subject token over every protocol: the header comes in, the answer and its challenge go out. */
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorCodes } from '../../src/base/errors.ts';
import {
  type CheckResponse,
  OpenFGAService,
  type StreamedListObjectsResponse,
} from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import { openToAll } from '../service/open-to-all.ts';
import { openSubjectWorld, type SubjectWorld } from '../service/subject-world.ts';
import { type Served, serve as serveGrpc, wire } from './grpc-harness.ts';
import { type Fixture, post, serve as serveHttp } from './http-fixture.ts';

/** `allowed`, `denied` or what the protocol says of the refusal; and the challenge. */
type Told = readonly [answer: string, stepUp: string | undefined];
type Ask = (relation: string, token: string | undefined, user?: string) => Promise<Told>;

let world: SubjectWorld;
let grpc: Served;
let http: Fixture;

beforeAll(async () => {
  world = await openSubjectWorld();
  await world.write('doc:1#viewer@group:eng#member');
  grpc = await serveGrpc(world.methods);
  http = await serveHttp({}, { methods: openToAll(world.methods) });
});
afterAll(async () => {
  await grpc.close();
  http[Symbol.dispose]();
  await world.close();
});

const headersOf = (token: string | undefined): Record<string, string> =>
  token === undefined ? {} : { 'pemba-subject-token': token };
const sayAllowed = (allowed: boolean | undefined) => (allowed === true ? 'allowed' : 'denied');

function overConnect(transport: () => Transport): Ask {
  return async (relation, token, user = 'user:alice') => {
    const client = createClient(OpenFGAService, transport());
    const tupleKey = { user, relation, object: 'doc:1' };
    let stepUp: string | null = null;
    try {
      const { allowed } = await client.check(
        { storeId: world.store, tupleKey },
        {
          headers: headersOf(token),
          onHeader: (headers) => {
            stepUp = headers.get('pemba-step-up');
          },
        },
      );
      return [sayAllowed(allowed), stepUp ?? undefined];
    } catch (error) {
      const { code } = ConnectError.from(error);
      return [
        { [Code.Unauthenticated]: '401', [Code.PermissionDenied]: '403' }[code as 7 | 16] ??
          `${code}`,
        undefined,
      ];
    }
  };
}

const ways: Readonly<Record<string, Ask>> = {
  async gRPC(relation, token, user = 'user:alice') {
    const tupleKey = { user, relation, object: 'doc:1' };
    const asked = { storeId: world.store, tupleKey };
    const answer = await grpc.client.call(wire.check, asked, { headers: headersOf(token) });
    const stepUp = answer.headers.get('pemba-step-up')[0] as string | undefined;
    const code: number = answer.status.code;
    if (code === errorCodes.auth_failed_invalid_bearer_token) return ['401', stepUp];
    if (code === errorCodes.forbidden) return ['403', stepUp];
    return [sayAllowed((answer.message as CheckResponse | undefined)?.allowed), stepUp];
  },
  async REST(relation, token, user = 'user:alice') {
    const body = { tuple_key: { user, relation, object: 'doc:1' } };
    const answer = await post(http.url, `/stores/${world.store}/check`, body, headersOf(token));
    const stepUp = answer.headers.get('pemba-step-up') ?? undefined;
    if (answer.status !== 200) return [`${answer.status}`, stepUp];
    return [sayAllowed(((await answer.json()) as CheckResponse).allowed), stepUp];
  },
  async 'a stream over gRPC'(relation, token, user = 'user:alice') {
    const asked = { storeId: world.store, type: 'doc', relation, user };
    const answer = await grpc.client.stream(wire.streamedListObjects, asked, {
      headers: headersOf(token),
    });
    const stepUp = answer.headers.get('pemba-step-up')[0] as string | undefined;
    const code: number = answer.status.code;
    if (code === errorCodes.auth_failed_invalid_bearer_token) return ['401', stepUp];
    if (code === errorCodes.forbidden) return ['403', stepUp];
    const objects = (answer.messages as StreamedListObjectsResponse[]).map(({ object }) => object);
    return [sayAllowed(objects.includes('doc:1')), stepUp];
  },
  async 'a stream over REST'(relation, token, user = 'user:alice') {
    const body = { type: 'doc', relation, user };
    const path = `/stores/${world.store}/streamed-list-objects`;
    const answer = await post(http.url, path, body, headersOf(token));
    const stepUp = answer.headers.get('pemba-step-up') ?? undefined;
    if (answer.status !== 200) return [`${answer.status}`, stepUp];
    return [sayAllowed((await answer.text()).includes('doc:1')), stepUp];
  },
  Connect: overConnect(() => createConnectTransport({ baseUrl: http.url, httpVersion: '1.1' })),
  'gRPC-Web': overConnect(() => createGrpcWebTransport({ baseUrl: http.url, httpVersion: '1.1' })),
};

describe.each(Object.entries(ways))('%s', (_name, ask) => {
  test('the token decides', async () => {
    expect(await ask('can_view', world.token())).toEqual(['allowed', undefined]);
    expect(await ask('can_view', world.token({ groups: [] }))).toEqual(['denied', undefined]);
    expect(await ask('can_view', undefined)).toEqual(['denied', undefined]);
  });

  test('a better sign-in is asked for', async () => {
    const [answer, stepUp] = await ask('can_close', world.token());
    expect(answer).toBe('denied');
    expect(stepUp).toMatch(/^Bearer error="insufficient_user_authentication", .*max_age="300"$/);
    expect(await ask('can_close', world.token({ groups: [] }))).toEqual(['denied', undefined]);
  });

  test('a bad token and another subject are refused', async () => {
    expect((await ask('can_view', 'nonsense'))[0]).toBe('401');
    expect((await ask('can_view', `${world.token()}, ${world.token()}`))[0]).toBe('401');
    expect((await ask('can_view', world.token(), 'user:bob'))[0]).toBe('403');
  });
});
