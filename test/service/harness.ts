/**
 * The service without a transport: requests and answers as JSON, through the methods that the
 * transports serve, over a database in memory.
 */
import { fromJson, type JsonValue, toJson } from '@bufbuild/protobuf';
import type { Principal } from '../../src/authn/authenticator.ts';
import type { Clock } from '../../src/base/clock.ts';
import { Refusal } from '../../src/base/errors.ts';
import { type Call, type Method, noCredentials } from '../../src/service/call.ts';
import { createMethods } from '../../src/service/router.ts';
import type { ServiceContext } from '../../src/service/service.ts';
import type { Datastore } from '../../src/storage/datastore.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';

export interface TestClock extends Clock {
  /** Wall time; monotonic time runs with it. */
  time: number;
  /** How far the clock goes on whenever it is looked at, in milliseconds. */
  tick: number;
}

export interface Asked {
  /** Consistency token to send. */
  readonly token?: string;
  readonly deadline?: number;
  readonly signal?: AbortSignal;
  readonly authorization?: string;
  readonly subjectToken?: string;
  /** Who calls, as if the guard had found it. */
  readonly principal?: Principal;
}

export interface Answered {
  // The shape of each answer is what the tests are about.
  // biome-ignore lint/suspicious/noExplicitAny: answers are JSON of many shapes
  readonly body: any;
  readonly headers: Readonly<Record<string, string>>;
}

export interface TestService {
  readonly clock: TestClock;
  readonly datastore: Datastore;
  readonly methods: readonly Method[];
  /**
   * A method is named alone, or with its service (`QueryService/ListObjects`); a name that both have
   * is OpenFGA's. Asks the method and returns its answer as JSON; a stream's answers as a list.
   */
  ask(method: string, request: JsonValue, options?: Asked): Promise<Answered>;
  /** Asks the method, which must refuse. */
  refusal(method: string, request: JsonValue, options?: Asked): Promise<Refusal>;
  /** Resolves once the graphs are there of all stores that were read. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** 2024-01-01, so that ids and times are plain. */
const start = Date.UTC(2024, 0, 1);

export type ServiceLimits = Pick<
  ServiceContext,
  'checkDepthMax' | 'checkStepsMax' | 'lists' | 'identity' | 'graphs'
>;

export interface TestLimits extends ServiceLimits {
  /** A database file; one in memory where it is absent. */
  readonly path?: string;
  /** Memory for resident graphs; none where it is absent. */
  readonly graphBytesMax?: number;
}

export async function openService({
  path = ':memory:',
  graphBytesMax = 0,
  ...limits
}: TestLimits = {}): Promise<TestService> {
  const clock = testClock();
  const datastore = await openSqlite({
    path,
    clock,
    graphBytesMax,
    onFault(error) {
      throw error;
    },
  });
  const { graphs } = datastore;
  const settled = () => graphs.settled();
  return { ...serviceOver(datastore, clock, { graphs, ...limits }), settled };
}

export function testClock(): TestClock {
  const clock: TestClock = {
    time: start,
    tick: 0,
    now: () => clock.time,
    monotonic: () => {
      clock.time += clock.tick;
      return clock.time - start;
    },
  };
  return clock;
}

export function serviceOver(
  datastore: Datastore,
  clock: TestClock,
  limits: ServiceLimits = {},
): TestService {
  const methods = createMethods({ datastore, clock, ...limits });
  const ask = async (name: string, request: JsonValue, options: Asked = {}): Promise<Answered> => {
    const method = methods.find(({ descriptor }) =>
      [descriptor.name, `${descriptor.parent.name}/${descriptor.name}`].includes(name),
    );
    if (method === undefined) throw new Error(`no method ${name}`);
    const { descriptor } = method;
    const message = fromJson(descriptor.input, request, { ignoreUnknownFields: true });
    const call = callOf(name, options);
    const write = (answer: never) =>
      toJson(descriptor.output, answer, { alwaysEmitImplicit: true, useProtoFieldName: false });
    if (method.kind === 'unary') {
      const answer = await method.handle(message, call);
      return { body: write(answer as never), headers: call.responseHeaders };
    }
    const body: JsonValue[] = [];
    for await (const answer of method.handle(message, call)) body.push(write(answer as never));
    return { body, headers: call.responseHeaders };
  };
  return {
    clock,
    datastore,
    methods,
    ask,
    async refusal(name, request, options) {
      const answer = await ask(name, request, options).catch((error: unknown) => error);
      if (answer instanceof Refusal) return answer;
      throw answer instanceof Error
        ? answer
        : new Error(`${name} answered ${JSON.stringify(answer)} where it must refuse`);
    },
    settled: async () => undefined,
    close: () => datastore.close(),
  };
}

export function callOf(method: string, options: Asked = {}): Call {
  return {
    method: `openfga.v1.OpenFGAService/${method}`,
    requestId: 'request-1',
    deadline: options.deadline ?? Number.POSITIVE_INFINITY,
    signal: options.signal,
    consistencyToken: options.token ?? '',
    credentials: {
      ...noCredentials,
      authorization: options.authorization ?? '',
      subjectToken: options.subjectToken ?? '',
    },
    principal: options.principal,
    responseHeaders: {},
  };
}

/** Documents that users and groups view, owners with a condition; folders above. */
export const driveModel = {
  schema_version: '1.1',
  type_definitions: [
    { type: 'user' },
    {
      type: 'group',
      relations: { member: { this: {} } },
      metadata: {
        relations: {
          member: {
            directly_related_user_types: [{ type: 'user' }, { type: 'group', relation: 'member' }],
          },
        },
      },
    },
    {
      type: 'folder',
      relations: { viewer: { this: {} } },
      metadata: { relations: { viewer: { directly_related_user_types: [{ type: 'user' }] } } },
    },
    {
      type: 'document',
      relations: {
        parent: { this: {} },
        owner: { this: {} },
        banned: { this: {} },
        viewer: {
          union: {
            child: [
              { this: {} },
              { computedUserset: { relation: 'owner' } },
              {
                tupleToUserset: {
                  tupleset: { relation: 'parent' },
                  computedUserset: { relation: 'viewer' },
                },
              },
            ],
          },
        },
        reader: {
          difference: {
            base: { computedUserset: { relation: 'viewer' } },
            subtract: { computedUserset: { relation: 'banned' } },
          },
        },
      },
      metadata: {
        relations: {
          parent: { directly_related_user_types: [{ type: 'folder' }] },
          owner: { directly_related_user_types: [{ type: 'user', condition: 'at_work' }] },
          banned: { directly_related_user_types: [{ type: 'user' }] },
          viewer: {
            directly_related_user_types: [
              { type: 'user' },
              { type: 'user', wildcard: {} },
              { type: 'group', relation: 'member' },
            ],
          },
        },
      },
    },
  ],
  conditions: {
    at_work: {
      name: 'at_work',
      expression: 'hour >= 9 && hour < limit',
      parameters: { hour: { type_name: 'TYPE_NAME_INT' }, limit: { type_name: 'TYPE_NAME_INT' } },
    },
  },
} as const satisfies JsonValue;

/** A store with the model, and the tuples given as `object#relation@user`. */
export async function openDrive(
  tuples: readonly string[] = [],
  limits: TestLimits = {},
): Promise<TestService & { store: string; model: string }> {
  const service = await openService(limits);
  const created = await service.ask('CreateStore', { name: 'drive' });
  const store: string = created.body.id;
  const written = await service.ask('WriteAuthorizationModel', { store_id: store, ...driveModel });
  for (let at = 0; at < tuples.length; at += 100) {
    const writes = { tuple_keys: tuples.slice(at, at + 100).map(tupleKey) };
    await service.ask('Write', { store_id: store, writes });
  }
  return { ...service, store, model: written.body.authorization_model_id };
}

/** `document:1#viewer@user:anne` as the wire has it. */
export function tupleKey(text: string): { object: string; relation: string; user: string } {
  const [, object = '', relation = '', user = ''] = /^(.*?)#([^@]*)@(.*)$/.exec(text) ?? [];
  return { object, relation, user };
}
