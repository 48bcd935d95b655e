/**
 * A deadline that passes in the midst of long work ends it soon. The clock goes on by a millisecond
 * whenever it is looked at, so that its time says how often that was.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { sideSizes } from '../../src/engine/sides.ts';
import { openService, type TestService, tupleKey } from './harness.ts';

// What is wide is walked here tuple by tuple, so that there is long work to break off.
const sizes = { ...sideSizes };
beforeAll(() => {
  sideSizes.wideFrom = Number.POSITIVE_INFINITY;
});
afterAll(() => {
  Object.assign(sideSizes, sizes);
});

const leftMs = 5;
const groups = 20 * limits.interruptSteps;

let service: TestService;
let store: string;
afterEach(() => service.close());

const model = {
  schema_version: '1.1',
  type_definitions: [
    { type: 'user' },
    {
      type: 'group',
      relations: { member: { this: {} } },
      metadata: { relations: { member: { directly_related_user_types: [{ type: 'user' }] } } },
    },
    {
      type: 'document',
      relations: {
        viewer: { this: {} },
        listed: { this: {} },
        both: {
          intersection: {
            child: [
              { computedUserset: { relation: 'listed' } },
              { computedUserset: { relation: 'viewer' } },
            ],
          },
        },
      },
      metadata: {
        relations: {
          viewer: { directly_related_user_types: [{ type: 'group', relation: 'member' }] },
          listed: { directly_related_user_types: [{ type: 'user' }] },
        },
      },
    },
  ],
};

/** A document that many groups view, none of which has the user, and one that a single group does. */
async function open(lists = {}): Promise<void> {
  service = await openService({ lists });
  store = (await service.ask('CreateStore', { name: 'late' })).body.id;
  await service.ask('WriteAuthorizationModel', { store_id: store, ...model });
  const write = (tuples: readonly string[]) =>
    service.ask('Write', { store_id: store, writes: { tuple_keys: tuples.map(tupleKey) } });
  await write([
    'document:small#listed@user:anne',
    'document:small#viewer@group:own#member',
    'document:huge#listed@user:anne',
    'group:own#member@user:anne',
  ]);
  const size = limits.tuplesPerWriteMax;
  for (let at = 0; at < groups; at += size) {
    await write(
      Array.from({ length: size }, (_, i) => `document:huge#viewer@group:g${at + i}#member`),
    );
  }
}

const subject = 'user:anne';
const tuple_key = { user: subject, relation: 'viewer', object: 'document:huge' };

const methods: [method: string, request: object][] = [
  ['Check', { tuple_key }],
  ['Expand', { tuple_key: { relation: 'viewer', object: 'document:huge' } }],
  ['ListRelations', { subject, object: 'document:huge' }],
  ['Explain', { subject, relation: 'both', object: 'document:huge' }],
];

test.each(methods)('%s over a huge graph stops at its deadline', async (method, request) => {
  await open();
  const asked = { store_id: store, ...request };
  const start = service.clock.time;
  service.clock.tick = 1;
  await service.ask(method, asked);
  // Else it would be over before its deadline.
  expect(service.clock.time - start).toBeGreaterThan(2 * leftMs);

  const deadline = service.clock.monotonic() + leftMs;
  const refusal = await service.refusal(method, asked, { deadline });
  expect(refusal.code).toBe('deadline_exceeded');
  // The look that finds the deadline passed is the last one.
  expect(service.clock.monotonic() - deadline).toBeLessThanOrEqual(2);
});

test('BatchCheck says so of the item on which its deadline passes, and of those after it', async () => {
  await open();
  const item = (correlation_id: string, object: string) => ({
    correlation_id,
    tuple_key: { ...tuple_key, object },
  });
  const checks = [
    item('before', 'document:small'),
    item('at', 'document:huge'),
    item('after', 'document:small'),
  ];
  service.clock.tick = 1;
  const deadline = service.clock.monotonic() + leftMs;
  const { body } = await service.ask('BatchCheck', { store_id: store, checks }, { deadline });
  const { before, at, after } = body.result;
  expect(before).toEqual({ allowed: true });
  for (const late of [at, after]) expect(late.error.internal_error).toBe('deadline_exceeded');
  expect(service.clock.monotonic() - deadline).toBeLessThanOrEqual(3);
});

test.each(['ListObjects', 'StreamedListObjects'])(
  '%s is cut in the midst of one candidate, and says so',
  async (method) => {
    await open({ timeoutMs: leftMs });
    const asked = { store_id: store, type: 'document', relation: 'both', user: subject };
    const whole = await service.ask(method, asked);
    expect(whole.headers).not.toHaveProperty('pemba-truncated');
    service.clock.tick = 1;
    const start = service.clock.time;
    const { body, headers } = await service.ask(method, asked);
    expect(headers).toMatchObject({ 'pemba-truncated': 'true' });
    expect(JSON.stringify(body)).toContain('document:small');
    expect(service.clock.time - start).toBeLessThanOrEqual(leftMs + 4);
  },
);
