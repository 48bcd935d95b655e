/**
 * The table of limits: complete, printed, and true. Each limit that a caller can meet has a test
 * just below it, at it and just above it; the map says where. What is missing elsewhere is here.
 */
import { readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { join } from 'node:path';
import type { JsonObject } from '@bufbuild/protobuf';
import { create, toBinary } from '@bufbuild/protobuf';
import { expect, onTestFinished, test } from 'vitest';
import { type LimitName, limits, limitTable } from '../../src/base/limits.ts';
import { CheckRequestSchema } from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import { flagOf, settingNames, settings } from '../../src/server/config.ts';
import { requestIdOf } from '../../src/server/headers.ts';
import { answerOf, filled, opened } from '../advisories/manners.ts';
import { pembaProcess as pemba, pembaJson, root } from '../cli/run.ts';
import { serve as serveGrpc, wire } from '../server/grpc-harness.ts';
import { serve as serveHttp } from '../server/http-fixture.ts';
import { openService } from '../service/harness.ts';

const fields = 'test/service/field-cases.ts';
const here = 'test/base/limits.test.ts';
const beside = 'test/base/borders.test.ts';
const times = 'test/model/remembered-times.test.ts';
const waits = 'test/base/waits.test.ts';

/** The file and the title of the test at its border; or why no caller meets it. */
const borders: Readonly<Record<LimitName, readonly [file: string, title: string] | string>> = {
  tuplesPerWriteMax: [
    'test/service/write-tuples.test.ts',
    '%d tuples, writes and deletes together',
  ],
  tuplesPerLargeWriteMax: ['test/service/pemba-write-tuples.test.ts', '%d tuples in one write'],
  tuplesPerImportMax: ['test/service/pemba-import-tuples.test.ts', '%d tuples in one import'],
  exportPageTuples: ['test/service/pemba-import-tuples.test.ts', 'an export of %d tuples'],
  contextualTuplesMax: [fields, 'contextual tuples'],
  assertionContextualTuplesMax: [fields, 'contextual tuples of an assertion'],
  assertionsMax: [fields, 'assertions'],
  assertionsBytesMax: ['test/service/assertions.test.ts', 'take so many bytes and no more'],
  batchChecksMax: ['test/service/batch-check.test.ts', '%d checks pass'],
  modelTypesMax: ['test/service/models.test.ts', '%d types pass'],
  modelConditionsMax: [fields, 'conditions'],
  conditionParametersMax: [fields, 'parameters'],
  conditionExpressionBytesMax: [fields, 'expression'],
  genericTypesMax: [fields, 'generic types'],
  modelBytesMax: ['test/service/models.test.ts', 'a model of so many bytes passes'],
  rewriteDepthMax: [here, 'rewrites nest so deep'],
  objectLengthMax: [fields, 'object of a check'],
  subjectLengthMax: [fields, 'user of a check'],
  typeLengthMax: [fields, 'type'],
  nameLengthMax: [fields, 'relation'],
  conditionNameLengthMax: [fields, 'condition of a tuple'],
  moduleFileLengthMax: [fields, 'file of a module'],
  storeNameLengthMax: [fields, 'store name'],
  correlationIdLengthMax: [fields, 'correlation id'],
  requestIdLengthMax: [here, 'a request id of %d characters'],
  continuationTokenBytesMax: [fields, 'continuation token'],
  checkDepthMax: [here, 'a check of %d levels'],
  checkStepsMax: [here, 'a check takes as many steps as it may'],
  interruptSteps: ['test/engine/interrupt.test.ts', 'a check asks when it has taken its steps'],
  checkMemoryBytesMax: ['test/engine/memory.test.ts', 'so many bytes are kept'],
  checkNestingMax: [here, 'a chain of computed relations nests'],
  explainTuplesMax: [beside, 'an explanation weighs %d tuples'],
  explainNodesMax: [beside, 'an explanation of %d nodes'],
  explainNestingMax: [beside, 'an explanation nests %d levels'],
  explainSetsMax: [beside, 'of %d sets of tuples all are suggested'],
  listResultsMax: ['test/service/lists.test.ts', 'at most %i results of 30'],
  listTimeoutMs: [beside, 'a list has its time to the millisecond'],
  listAnswerMs: [beside, 'leaves some for its answer'],
  listSliceSteps: ['test/engine/lists.test.ts', 'a list can be interrupted every so many steps'],
  listSliceMs: ['test/service/lists.test.ts', 'a list computes for %d ms at a time'],
  listRowsMax: ['test/service/paged-lists.test.ts', 'at most %i rows of 30'],
  listExceptionsMax: ['test/service/paged-lists.test.ts', 'at most %i exceptions of 30'],
  listPageSizeMax: [fields, 'page of a list'],
  listPageSizeDefault: ['test/service/paged-lists.test.ts', 'a page without a size'],
  listPageBytesMax: ['test/service/paged-lists.test.ts', 'a page ends at %i bytes'],
  listsKeptBytesMax: 'a list that is not kept is computed again, or refused',
  heldSnapshotsMax: ['test/storage/contract-hold.ts', 'there are so many to be had'],
  conditionCostMax: ['test/model/condition.test.ts', 'a condition that costs %d'],
  durationTextMax: [here, 'a duration of %d characters'],
  numberTextMax: [here, 'a number of %d digits'],
  timesRememberedMax: [times, 'of %d timestamps the first is remembered'],
  timeTextRememberedMax: [times, 'a duration of %d characters is remembered'],
  tupleContextBytesMax: ['test/service/write-tuples.test.ts', 'a context of %d bytes'],
  contextDepthMax: [fields, 'depth of a context'],
  requestBytesMax: [here, 'a request of %d bytes'],
  pageSizeMax: [fields, 'page of Read'],
  pageSizeDefault: [here, 'a page without a size'],
  tuplePageSizeMax: [fields, 'page of ReadTuples'],
  tuplesScannedAtOnce: ['test/storage/sqlite-file.test.ts', 'of %d tuples a page is read at once'],
  tuplePageBytesMax: [
    'test/service/pemba-read-tuples.test.ts',
    'a page of large tuples fits what clients take',
  ],
  tuplePageSizeDefault: ['test/service/pemba-read-tuples.test.ts', 'a page without a size'],
  requestTimeoutMs: [waits, 'is answered until its time is over'],
  revisionWaitMs: [beside, 'a read waits so long for a revision'],
  shutdownTimeoutMs: [waits, 'open requests get so long at shutdown'],
  concurrentStreamsMax: [here, 'a gRPC connection says how many calls'],
  idlePingMs: [waits, 'a quiet gRPC connection is asked after so long'],
  preconditionsPerWriteMax: [fields, 'preconditions of a write'],
  preconditionScanMax: ['test/storage/contract-preconditions.ts', 'look at %d tuples'],
  idempotencyKeyLengthMax: [fields, 'idempotency key'],
  deletedPerRoundMax: [fields, 'tuples of one round'],
  deletedPerRoundDefault: ['test/service/pemba-delete-tuples.test.ts', 'a round without a limit'],
  idempotencyKeptMs: ['test/storage/contract-idempotency.ts', 'forgotten to the millisecond'],
  deleteScanMax: ['test/storage/contract-deletes.ts', 'a round looks at a bounded number'],
  collectedPerStepMax: ['test/storage/contract-expiry.ts', 'it goes in steps, each a revision'],
  collectPauseMs: 'a pause, which no answer depends on',
  tuplesPerGroupMax: ['test/storage/sqlite-file.test.ts', 'after %d tuples, one more write'],
  writesWaitingMax: ['test/storage/sqlite-file.test.ts', 'more writes than may wait'],
  // That they are set: test/server/http-port.test.ts.
  httpHeadersTimeoutMs: 'Node looks at its connections every few seconds, not to the millisecond',
  httpRequestTimeoutMs: 'Node looks at its connections every few seconds, not to the millisecond',
  httpKeepAliveMs: ['test/server/http-port.test.ts', 'says how long an idle connection is kept'],
  compiledModelsMax: [beside, 'so many models are kept compiled'],
  clientTimeoutMs: ['test/cli/usage.test.ts', 'without --timeout it waits'],
  clientRetriesMax: ['test/cli/usage.test.ts', 'exit 5 after four requests'],
  clientRetryMinMs: ['test/cli/usage.test.ts', 'the pauses between repeats'],
  clientRetryMaxMs: ['test/cli/usage.test.ts', 'the pauses between repeats'],
  graphChangesKept: 'when a graph is folded, which no answer depends on',
  graphChangesPerSlice: 'a pause, which no answer depends on',
  graphChangesAtOnce: 'a graph is built anew, which no answer depends on',
  graphReadsBeforeReturn: 'when a graph is built again, which no answer depends on',
  graphsAwayMax: 'of others it is forgotten why SQLite answers for them',
  graphLoadsWaitingMax: 'the next read of a store asks again',
  graphBytesHereMax: 'a larger store is answered by SQLite',
  workersMax: ['test/server/config.test.ts', '%d workers'],
  graphsListedMax: ['test/service/graphs.test.ts', 'no more than so many stores'],
  inputLineBytesMax: ['test/cli/tuple-files.test.ts', 'a line of %d bytes'],
  tokenBytesMax: ['test/authn/verifier.test.ts', 'a token of %d bytes'],
  tokenDepthMax: ['test/authn/verifier.test.ts', 'claims of %d levels'],
  tokenKeyIdLengthMax: ['test/authn/verifier.test.ts', 'a key id of %d characters'],
  tokenAgeMs: ['test/authn/verifier.test.ts', 'clock skew'],
  clockToleranceMs: ['test/authn/verifier.test.ts', 'clock skew'],
  clockToleranceMaxMs: ['test/authn/issuer.test.ts', 'a clock that may be off by %d ms'],
  verifiedTokensMax: ['test/authn/token-cache.test.ts', 'of %d tokens the first is remembered'],
  verifiedTokenMs: ['test/authn/verifier.test.ts', 'no longer than five minutes'],
  presharedKeysMax: ['test/authn/preshared.test.ts', '%d preshared keys'],
  presharedKeyNameLengthMax: ['test/authn/preshared.test.ts', 'a name of %d characters'],
  issuerBytesMax: ['test/authn/keys.test.ts', 'a document of %d bytes'],
  issuerKeysMax: ['test/authn/keys.test.ts', 'a key set of %d keys'],
  issuerTimeoutMs: ['test/authn/keys.test.ts', 'key set content'],
  issuerRetryMs: ['test/authn/keys.test.ts', 'was never reached is unavailable'],
  issuerKeysFreshMs: ['test/authn/keys.test.ts', 'keys of %d ms are fetched again'],
  issuerKeysStaleMs: ['test/authn/keys.test.ts', 'without the issuer, keys of %d ms'],
  issuerAddressMs: ['test/authn/keys.test.ts', 'not believed for longer than an hour'],
  issuerCooldownMs: ['test/authn/keys.test.ts', 'an unknown key id after %d ms'],
  authFailuresMax: ['test/authn/authenticator.test.ts', 'after %d failed authentications'],
  authFailuresUnderAttackMax: ['test/authn/authenticator.test.ts', 'each has two tries'],
  authAttackFailuresMax: ['test/authn/authenticator.test.ts', 'after %d failures at one key'],
  authBackoffMinMs: ['test/authn/authenticator.test.ts', 'who fails too often has to wait'],
  authBackoffMaxMs: ['test/authn/authenticator.test.ts', 'up to a minute'],
  authForgetMs: ['test/authn/authenticator.test.ts', 'failures %d ms ago'],
  authTrackedMax: ['test/authn/authenticator.test.ts', 'a flood of addresses'],
  identityFileBytesMax: ['test/authn/identity-file.test.ts', 'an identity file of %d bytes'],
  mappingExpressionLengthMax: [
    'test/authn/identity-file.test.ts',
    'an expression of %d characters',
  ],
  mappingExpressionNodesMax: ['test/authn/identity-file.test.ts', 'an expression of %d nodes'],
  mappedEntriesDefault: ['test/authn/identity-map.test.ts', '%d entries where no `max` is said'],
  mappedTuplesMax: ['test/authn/identity-map.test.ts', '%d tuples of one token'],
  accessDecisionsMax: 'a cache: what it lets go of is decided again',
  headersBytesMax: ['test/server/authentication.test.ts', 'two tokens of %d bytes'],
  mappedContextBytesMax: ['test/authn/identity-map.test.ts', 'a mapped context of %d bytes'],
  stepUpHeaderBytesMax: ['test/service/step-up.test.ts', 'challenges of %d bytes'],
};

test.each(limitTable)(
  'limits that are not what they say: $name is tested at its border',
  ({ name }) => {
    const border = borders[name];
    if (typeof border === 'string') return;
    const [file, title] = border;
    const text = readFileSync(join(root, file), 'utf8');
    // A title, or the first column of a table of cases; here, not as an entry of the map alone.
    const uses = text.split(file === fields ? `'${title}',` : title).length - 1;
    expect(uses, `${file}: ${title}`).toBeGreaterThan(file === here ? 1 : 0);
  },
);

test('a limit that names a setting is the default of that setting', () => {
  for (const { name, default: value, unit, setting } of limitTable) {
    if (setting === undefined || setting === 'timeout') continue;
    const found = settingNames.find((each) => flagOf(each) === setting);
    expect(found, name).toBeDefined();
    const text = unit === 'ms' ? `${value}ms` : String(value);
    expect(settings[found as keyof typeof settings].default).toBe(text);
  }
});

test('pemba limits prints every one, for people and for programs', async () => {
  const { stdout } = await pemba(['limits']);
  const lines = stdout.trimEnd().split('\n');
  expect(lines.length).toBe(limitTable.length + 1);
  for (const [i, { name, bounds }] of limitTable.entries()) {
    expect(lines[i + 1]).toMatch(new RegExp(`^${name} `));
    expect(lines[i + 1]).toContain(bounds);
  }
  const { limits: printed } = await pembaJson(['limits']);
  expect(printed).toEqual(
    limitTable.map(({ setting, ...limit }) => ({
      ...limit,
      setting: setting === undefined ? null : `--${setting}`,
    })),
  );
});

/** Just below, at and just above the limit. */
function around(limit: number): [count: number, passes: boolean][] {
  return [
    [limit - 1, true],
    [limit, true],
    [limit + 1, false],
  ];
}

const tooComplex = 'authorization_model_resolution_too_complex';
const head = 'model\n  schema 1.1\ntype user\n';

test.each(around(limits.rewriteDepthMax))(
  'rewrites nest so deep: %d, %s',
  async (depth, passes) => {
    const service = await opened();
    let rewrite: JsonObject = { this: {} };
    for (let i = 1; i < depth; i++)
      rewrite = { difference: { base: rewrite, subtract: { this: {} } } };
    const written = filled(service, {
      model: {
        schema_version: '1.1',
        type_definitions: [
          { type: 'user' },
          {
            type: 'document',
            relations: { viewer: rewrite },
            metadata: {
              relations: { viewer: { directly_related_user_types: [{ type: 'user' }] } },
            },
          },
        ],
      },
    });
    if (passes) await written;
    else await expect(written).rejects.toThrow(`more than ${limits.rewriteDepthMax} rewrites`);
  },
);

test.each(around(limits.requestIdLengthMax))(
  'a request id of %d characters: %s',
  (length, passes) => {
    const id = 'x'.repeat(length);
    expect(requestIdOf(id) === id).toBe(passes);
  },
);

test.each(around(limits.checkDepthMax))('a check of %d levels: %s', async (levels, passes) => {
  const service = await opened();
  const model = `${head}type folder
  relations
    define parent: [folder]
    define viewer: [user] or viewer from parent`;
  const tuples = [`folder:${levels}#viewer@user:anne`];
  for (let i = 1; i < levels; i++) tuples.push(`folder:${i}#parent@folder:${i + 1}`);
  const store = await filled(service, { model, tuples });
  for (const [user, answer] of [
    ['anne', 'allowed'],
    ['beth', 'denied'],
  ] as const) {
    const item = { check: `folder:1#viewer@user:${user}`, expected: '' };
    expect(await answerOf(service, store, item)).toBe(passes ? answer : tooComplex);
  }
});

test('a check takes as many steps as it may, and not one more', async () => {
  const model = `${head}type group
  relations
    define member: [user]
type document
  relations
    define viewer: [group#member]`;
  /** The least budget with which a check over so many groups is answered. */
  const least = async (groups: number) => {
    for (let checkStepsMax = 1; ; checkStepsMax++) {
      const service = await openService({ checkStepsMax });
      const tuples = Array.from(
        { length: groups },
        (_, i) => `document:1#viewer@group:${i}#member`,
      );
      const store = await filled(service, {
        model,
        tuples: [...tuples, 'group:x#member@user:anne'],
      });
      const answer = await answerOf(service, store, {
        check: 'document:1#viewer@user:anne',
        expected: '',
      });
      await service.close();
      if (answer === 'denied') return checkStepsMax;
      expect(answer).toBe(tooComplex);
    }
  };
  // One for the question itself, then one for each tuple and one for each group.
  for (const groups of [3, 4, 5]) expect(await least(groups)).toBe(1 + 2 * groups);
});

test('a chain of computed relations nests two levels a relation, up to the limit', async () => {
  const most = limits.checkNestingMax / 2;
  for (const [length, passes] of around(most)) {
    const service = await opened();
    const lines = Array.from({ length: length - 1 }, (_, i) => `    define r${i}: r${i + 1}`);
    const relations = [...lines, `    define r${length - 1}: [user]`].join('\n');
    const model = `${head}type node\n  relations\n${relations}`;
    const tuples = [`node:1#r${length - 1}@user:anne`];
    const store = await filled(service, { model, tuples });
    const item = { check: 'node:1#r0@user:anne', expected: '' };
    expect(await answerOf(service, store, item)).toBe(passes ? 'allowed' : tooComplex);
  }
});

async function conditioned(parameter: string, value: string): Promise<string> {
  const service = await opened();
  const model = `${head}type document
  relations
    define viewer: [user with c]
condition c(v: ${parameter}) {
  v == v
}`;
  const tuple = ['document:1#viewer@user:anne', 'c'] as const;
  const store = await filled(service, { model, tuples: [tuple] });
  return await answerOf(service, store, { check: tuple[0], context: { v: value }, expected: '' });
}

test.each(around(limits.durationTextMax))(
  'a duration of %d characters: %s',
  async (length, passes) => {
    const text = `1.${'0'.repeat(length - 3)}s`;
    expect(text.length).toBe(length);
    expect(await conditioned('duration', text)).toBe(passes ? 'allowed' : 'validation_error');
  },
);

test.each(around(limits.numberTextMax))('a number of %d digits: %s', async (digits, passes) => {
  const text = `1.${'0'.repeat(digits - 1)}`;
  expect(await conditioned('int', text)).toBe(passes ? 'allowed' : 'validation_error');
});

test.each(around(1_000))('a request of %d bytes of 1,000: %s', async (bytes, passes) => {
  using http = await serveHttp({ unary: () => ({}) }, { requestBytesMax: 1_000 });
  const url = `${http.url}/stores/01H0H015178Y2V4CX10C2KGHF4/check`;
  const body = '{"unknown": ""}';
  const padded = body.replace('""', `"${'x'.repeat(bytes - body.length)}"`);
  expect(padded.length).toBe(bytes);
  const response = await fetch(url, { method: 'POST', body: padded });
  expect(response.status).toBe(passes ? 200 : 413);

  const check = { descriptor: wire.check, kind: 'unary', handle: () => ({}) };
  const grpc = await serveGrpc([check as never], { requestBytesMax: 1_000 });
  onTestFinished(() => grpc.close());
  const message = create(CheckRequestSchema, { storeId: 'x'.repeat(bytes - 3) });
  expect(toBinary(CheckRequestSchema, message).length).toBe(bytes);
  const { status } = await grpc.client.callRaw(wire.check, toBinary(CheckRequestSchema, message));
  expect(status.code === 8).toBe(!passes);
});

test('a page without a size has as many rows as the table says', async () => {
  const service = await opened();
  const model = `${head}type document\n  relations\n    define viewer: [user]`;
  for (const [count] of around(limits.pageSizeDefault)) {
    const tuples = Array.from({ length: count }, (_, i) => `document:1#viewer@user:${i}`);
    const store = await filled(service, { model, tuples });
    for (const method of ['Read', 'ReadChanges']) {
      const { body } = await service.ask(method, { store_id: store });
      const rows = body.tuples ?? body.changes;
      expect(rows.length).toBe(Math.min(count, limits.pageSizeDefault));
    }
  }
});

test('a gRPC connection says how many calls it may have open', async () => {
  const served = await serveGrpc([]);
  onTestFinished(() => served.close());
  const session = connectHttp2(`http://${served.address}`);
  onTestFinished(() => session.destroy());
  const settings = await new Promise<{ maxConcurrentStreams?: number }>((resolve) =>
    session.once('remoteSettings', resolve),
  );
  expect(settings.maxConcurrentStreams).toBe(limits.concurrentStreamsMax);
});
