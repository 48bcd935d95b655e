/**
 * Every limit of Pemba in one table: its default, its unit, what it bounds, and the setting that
 * changes it where one does. The values are those of OpenFGA's server where the wire has one, so
 * that a client finds the same borders. `pemba limits` prints it.
 */
import { assert } from './assert.ts';

export interface Limit {
  readonly name: LimitName;
  readonly default: number;
  readonly unit: string;
  readonly bounds: string;
  /** Flag and configuration key that change it; undefined for a limit that is fixed. */
  readonly setting: string | undefined;
}

const notes: Omit<Limit, 'name' | 'default'>[] = [];

/** A plain number to those who use it; what is said of it goes into the table. */
function limit(value: number, unit: string, bounds: string, setting?: string): number {
  assert(Number.isSafeInteger(value) && value > 0, 'a limit is a whole number');
  notes.push({ unit, bounds, setting });
  return value;
}

export const limits = {
  tuplesPerWriteMax: limit(100, 'tuples', 'One Write, writes and deletes together'),
  tuplesPerLargeWriteMax: limit(1_000, 'tuples', 'One WriteTuples, writes and deletes together'),
  tuplesPerImportMax: limit(5_000, 'tuples', 'One ImportTuples'),
  exportPageTuples: limit(1_000, 'tuples', 'One message of ExportTuples'),
  contextualTuplesMax: limit(100, 'tuples', 'Contextual tuples of a request, or of a batch item'),
  assertionContextualTuplesMax: limit(20, 'tuples', 'Contextual tuples of one assertion'),
  assertionsMax: limit(100, 'assertions', 'Assertions of one model'),
  assertionsBytesMax: limit(64_000, 'bytes', 'Assertions of one model, encoded'),
  batchChecksMax: limit(50, 'checks', 'One BatchCheck'),
  modelTypesMax: limit(100, 'types', 'One model'),
  modelConditionsMax: limit(25, 'conditions', 'One model'),
  conditionParametersMax: limit(25, 'parameters', 'One condition'),
  conditionExpressionBytesMax: limit(512, 'bytes', 'The expression of one condition'),
  genericTypesMax: limit(5, 'types', 'The generic types of a parameter'),
  modelBytesMax: limit(262_144, 'bytes', 'One model, encoded'),
  /** Twice as many messages within one another, of which protobuf decoders take 100 in all. */
  rewriteDepthMax: limit(40, 'levels', 'Nested rewrites in one relation of a model'),
  objectLengthMax: limit(256, 'characters', 'An object, `type:id`'),
  subjectLengthMax: limit(512, 'characters', 'A subject: `type:id`, `type:id#relation`, `type:*`'),
  typeLengthMax: limit(254, 'characters', 'The name of a type'),
  nameLengthMax: limit(50, 'characters', 'The name of a relation, condition, parameter or module'),
  conditionNameLengthMax: limit(256, 'characters', 'The name of a condition in a tuple'),
  moduleFileLengthMax: limit(100, 'characters', 'The file of a module, without `.fga`'),
  storeNameLengthMax: limit(64, 'characters', 'The name of a store'),
  correlationIdLengthMax: limit(36, 'characters', 'The id of a check in a batch'),
  requestIdLengthMax: limit(128, 'characters', 'A request id to take over from the caller'),
  continuationTokenBytesMax: limit(5_120, 'bytes', 'A continuation token'),
  checkDepthMax: limit(
    25,
    'levels',
    'Usersets and tuple-to-userset hops between a question and the tuple that answers it',
    'check-depth-max',
  ),
  checkStepsMax: limit(
    1_000_000,
    'steps',
    'Questions and tuples that one check may visit',
    'check-steps-max',
  ),
  interruptSteps: limit(2_000, 'steps', 'A check visits before it looks at its deadline again'),
  checkMemoryBytesMax: limit(
    67_108_864,
    'bytes',
    'What checks remember of subjects in many groups and of wide objects, about',
  ),
  /** What the JavaScript stack must hold. */
  checkNestingMax: limit(500, 'levels', 'Questions and rewrites open at once in a check'),
  explainTuplesMax: limit(10_000, 'tuples', 'Weighed by an explanation for the shortest proof'),
  explainNodesMax: limit(500, 'nodes', 'One explanation; what is left out says so'),
  /** Protobuf's decoders stop at 100 nested messages. */
  explainNestingMax: limit(80, 'levels', 'Nodes of an explanation below each other'),
  explainSetsMax: limit(3, 'sets', 'Sets of tuples that an explanation of a denial suggests'),
  listResultsMax: limit(1_000, 'results', 'The answer of one list; a stream has no such bound'),
  listTimeoutMs: limit(3_000, 'ms', 'A list; what was found by then is the answer, marked as cut'),
  listAnswerMs: limit(100, 'ms', "A call's time that a list leaves for its answer to be sent"),
  listSliceSteps: limit(500, 'steps', 'A list visits before it looks at its time again'),
  listSliceMs: limit(2, 'ms', 'A list computes before other requests get their turn'),
  listRowsMax: limit(100_000, 'rows', 'One list in pages; a longer one is refused'),
  listExceptionsMax: limit(10_000, 'subjects', 'Left out of one wildcard in a list in pages'),
  listPageSizeMax: limit(10_000, 'rows', 'One page of a list'),
  listPageSizeDefault: limit(1_000, 'rows', 'One page of a list when the request names no size'),
  /** Clients of gRPC take 4 MiB unless they are told otherwise. */
  listPageBytesMax: limit(3_145_728, 'bytes', 'One page of a list, unless it is a single row'),
  listsKeptBytesMax: limit(67_108_864, 'bytes', 'Lists kept for their next pages, about'),
  heldSnapshotsMax: limit(8, 'snapshots', 'Held by long lists at the same time; others wait'),
  conditionCostMax: limit(100, 'CEL units', 'Evaluating one condition once'),
  durationTextMax: limit(128, 'characters', 'A duration in a context, as text'),
  numberTextMax: limit(400, 'digits', 'A number in a context, as text'),
  timesRememberedMax: limit(1_000, 'values', 'Timestamps, and as many durations, kept as read'),
  timeTextRememberedMax: limit(64, 'characters', 'The longest text of a time that is kept as read'),
  tupleContextBytesMax: limit(32_768, 'bytes', 'The context stored with a tuple, encoded'),
  contextDepthMax: limit(32, 'levels', 'Nested lists and objects in a context'),
  requestBytesMax: limit(
    616_448,
    'bytes',
    'A request message, after decompression',
    'request-bytes-max',
  ),
  pageSizeMax: limit(100, 'rows', 'One page of Read, ReadChanges, models or stores'),
  pageSizeDefault: limit(50, 'rows', 'One page when the request names no size'),
  tuplePageSizeMax: limit(1_000, 'rows', 'One page of ReadTuples, ReadTupleChanges or ListRoles'),
  tuplesScannedAtOnce: limit(
    10_000,
    'tuples',
    'Looked at for a page of tuples before other requests get their turn',
  ),
  tuplePageBytesMax: limit(
    3_145_728,
    'bytes',
    'One page of ReadTuples or ReadTupleChanges, unless it is a single row',
  ),
  tuplePageSizeDefault: limit(100, 'rows', 'Such a page when the request names no size'),
  requestTimeoutMs: limit(
    3_000,
    'ms',
    'A request; its own deadline may be shorter',
    'request-timeout',
  ),
  revisionWaitMs: limit(1_000, 'ms', 'Wait for a revision that this server does not have yet'),
  shutdownTimeoutMs: limit(
    10_000,
    'ms',
    'Time that open requests get at shutdown',
    'shutdown-timeout',
  ),
  concurrentStreamsMax: limit(250, 'calls', 'Open at once on one gRPC connection'),
  idlePingMs: limit(60_000, 'ms', 'Quiet on a gRPC connection before its peer is asked for'),
  preconditionsPerWriteMax: limit(100, 'conditions', 'On tuples that exist or not, of one write'),
  preconditionScanMax: limit(20_000, 'tuples', 'Looked at for the preconditions of one write'),
  idempotencyKeyLengthMax: limit(256, 'characters', 'An idempotency key'),
  idempotencyKeptMs: limit(86_400_000, 'ms', 'An idempotency key is remembered'),
  deletedPerRoundMax: limit(10_000, 'tuples', 'One round of deleting by filter'),
  deletedPerRoundDefault: limit(1_000, 'tuples', 'One round when the request names no number'),
  /** What a filter that few tuples match may cost the writer in one round. */
  deleteScanMax: limit(20_000, 'tuples', 'Looked at in one round of deleting by filter'),
  collectedPerStepMax: limit(500, 'tuples', 'Expired ones, collected in one transaction'),
  collectPauseMs: limit(
    1_000,
    'ms',
    'Between an expiry and its collection, and between two of them',
  ),
  tuplesPerGroupMax: limit(5_000, 'tuples', 'Writes that share one transaction and one fsync'),
  writesWaitingMax: limit(10_000, 'writes', 'Accepted but not yet begun; more are refused'),
  httpHeadersTimeoutMs: limit(10_000, 'ms', 'Sending the headers of an HTTP request'),
  httpRequestTimeoutMs: limit(30_000, 'ms', 'Sending a whole HTTP request'),
  /** Longer than load balancers keep theirs. */
  httpKeepAliveMs: limit(75_000, 'ms', 'An idle HTTP connection is kept'),
  compiledModelsMax: limit(1_000, 'models', 'Compiled and kept in memory'),
  clientTimeoutMs: limit(30_000, 'ms', "The CLI's wait for one answer of a server", 'timeout'),
  clientRetriesMax: limit(3, 'repeats', 'By the CLI, of a request that a busy server left'),
  /** It doubles each time. */
  clientRetryMinMs: limit(100, 'ms', "Pause before the CLI's first repeat"),
  clientRetryMaxMs: limit(30_000, 'ms', "Pause that a server's Retry-After may ask of the CLI"),
  workersMax: limit(256, 'threads', 'That serve beside each other in one process'),
  graphChangesKept: limit(
    10_000,
    'changes',
    'Beside the base of a resident graph, or a tenth of its tuples, before they are folded in',
  ),
  graphChangesPerSlice: limit(500, 'changes', 'Taken into a resident graph at a time'),
  graphChangesAtOnce: limit(
    100_000,
    'changes',
    'Taken into a resident graph before a write is acknowledged; with more it is built anew',
  ),
  graphReadsBeforeReturn: limit(
    1_000,
    'reads',
    'Of a store that has no resident graph any more, before it is built again',
  ),
  graphsAwayMax: limit(10_000, 'stores', 'Remembered as having no resident graph, and why'),
  graphLoadsWaitingMax: limit(64, 'stores', 'Waiting for their resident graph at a time'),
  graphBytesHereMax: limit(
    1_048_576,
    'bytes',
    'A resident graph of a datastore in memory, which holds up everybody while it is built',
  ),
  graphsListedMax: limit(1_000, 'stores', 'One answer of ReadGraphs, the last used first'),
  /** A tuple with the largest context fits many times. */
  inputLineBytesMax: limit(1_048_576, 'bytes', 'One line of a tuple file'),
  tokenBytesMax: limit(16_384, 'bytes', 'A token of a caller or of a subject'),
  tokenDepthMax: limit(32, 'levels', 'Nested lists and objects in a token'),
  tokenKeyIdLengthMax: limit(256, 'characters', 'The key id (`kid`) of a token'),
  tokenAgeMs: limit(86_400_000, 'ms', "A token's age, where its issuer's entry does not say"),
  clockToleranceMs: limit(30_000, 'ms', "An issuer's clock may be off, where its entry is silent"),
  clockToleranceMaxMs: limit(300_000, 'ms', 'Of what an entry may say of its clock'),
  verifiedTokensMax: limit(10_000, 'tokens', 'Verified and remembered'),
  verifiedTokenMs: limit(300_000, 'ms', 'A verified token is remembered, at most until its `exp`'),
  presharedKeysMax: limit(100, 'keys', 'Preshared keys; each attempt is compared with all'),
  presharedKeyNameLengthMax: limit(64, 'characters', 'The name of a preshared key'),
  issuerBytesMax: limit(65_536, 'bytes', "An issuer's discovery document or key set"),
  issuerKeysMax: limit(100, 'keys', "An issuer's key set"),
  issuerTimeoutMs: limit(5_000, 'ms', 'Fetching one document of an issuer'),
  issuerRetryMs: limit(10_000, 'ms', 'Between two attempts to reach an issuer that fails'),
  issuerKeysFreshMs: limit(600_000, 'ms', 'A key set is used before it is fetched again'),
  issuerKeysStaleMs: limit(86_400_000, 'ms', 'A key set is used while its issuer fails'),
  issuerAddressMs: limit(3_600_000, 'ms', 'What a discovery document says is taken as true'),
  /** It doubles with each fetch that was for nothing, up to `issuerKeysFreshMs`. */
  issuerCooldownMs: limit(30_000, 'ms', 'Between two fetches for the sake of an unknown key id'),
  authFailuresMax: limit(20, 'failures', 'Failed authentications of one client before it waits'),
  authFailuresUnderAttackMax: limit(2, 'failures', 'The same, aimed at a key under attack'),
  authAttackFailuresMax: limit(100, 'failures', 'Of all clients, aimed at one key, make an attack'),
  /** It doubles with each further failure. */
  authBackoffMinMs: limit(1_000, 'ms', 'The first wait of a client that failed too often'),
  authBackoffMaxMs: limit(60_000, 'ms', 'The longest wait of a client that failed too often'),
  authForgetMs: limit(600_000, 'ms', 'Failed authentications are remembered'),
  authTrackedMax: limit(10_000, 'clients', 'Whose failed authentications are remembered'),
  accessDecisionsMax: limit(10_000, 'answers', 'Remembered of which caller may do what'),
  /** Two tokens of the greatest length, and all else. */
  headersBytesMax: limit(49_152, 'bytes', 'The headers of one request'),
  identityFileBytesMax: limit(262_144, 'bytes', 'An identity file'),
  mappingExpressionLengthMax: limit(4_096, 'characters', 'An expression of an identity file'),
  mappingExpressionNodesMax: limit(500, 'nodes', 'The syntax tree of such an expression'),
  /** As many groups as Entra puts into a token. */
  mappedEntriesDefault: limit(200, 'entries', 'Of a claim that is mapped, where no `max` is said'),
  mappedTuplesMax: limit(1_000, 'tuples', 'Mapped from the claims of one token'),
  mappedContextBytesMax: limit(32_768, 'bytes', 'The context mapped from the claims of one token'),
  stepUpHeaderBytesMax: limit(4_096, 'bytes', 'The challenges of one answer, `pemba-step-up`'),
};

export type LimitName = keyof typeof limits;

/** In the order of the entries above, which is also the order in which they made their notes. */
export const limitTable: readonly Limit[] = (Object.keys(limits) as LimitName[]).map(
  (name, index) => {
    const note = notes[index];
    assert(note !== undefined, `the limit ${name} says what it bounds`);
    return { name, default: limits[name], ...note };
  },
);

assert(limitTable.length === notes.length, 'every limit is made by `limit`');
assert(limits.pageSizeDefault <= limits.pageSizeMax, 'the default page fits a page');
assert(limits.listPageSizeDefault <= limits.listPageSizeMax, 'and the default page of a list');
assert(limits.checkStepsMax >= limits.checkDepthMax, 'a walk of full depth fits the step budget');
assert(limits.tupleContextBytesMax < limits.requestBytesMax, 'a context fits a request');
assert(limits.issuerKeysFreshMs < limits.issuerKeysStaleMs, 'keys are fetched before they end');
assert(limits.issuerTimeoutMs < limits.issuerRetryMs, 'one attempt ends before the next begins');
assert(2 * limits.tokenBytesMax < limits.headersBytesMax, 'two tokens fit the headers');
