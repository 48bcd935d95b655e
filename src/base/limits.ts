/**
 * Every limit of Pemba in one table: default, unit, and what it bounds. The values are those of
 * OpenFGA's server where the wire has one, so that a client finds the same borders.
 */
import { assert } from './assert.ts';

export const limits = {
  /** Tuples in one Write, writes and deletes together. */
  tuplesPerWriteMax: 100,
  /** Contextual tuples in one request, or in one item of a batch. */
  contextualTuplesMax: 100,
  /** Contextual tuples of one assertion. */
  assertionContextualTuplesMax: 20,
  /** Assertions of one model. */
  assertionsMax: 100,
  /** Assertions of one model, encoded, in bytes. */
  assertionsBytesMax: 64_000,
  /** Checks in one BatchCheck. */
  batchChecksMax: 50,
  /** Types of one model. */
  modelTypesMax: 100,
  /** Conditions of one model. */
  modelConditionsMax: 25,
  /** Parameters of one condition. */
  conditionParametersMax: 25,
  /** Expression of one condition, in bytes. */
  conditionExpressionBytesMax: 512,
  /** One model, encoded, in bytes. */
  modelBytesMax: 262_144,
  /** Nested rewrites in one relation of a model. */
  rewriteDepthMax: 100,
  /** Usersets and tuple-to-userset hops between a question and the tuple that answers it. */
  checkDepthMax: 25,
  /** Questions and tuples that one check may visit. */
  checkStepsMax: 1_000_000,
  /** Questions and rewrites open at once in a check: what the JavaScript stack must hold. */
  checkNestingMax: 500,
  /** Objects or users in the answer of one list; a stream has no such bound. */
  listResultsMax: 1_000,
  /** Time that a list may take, in milliseconds; what was found by then is the answer. */
  listTimeoutMs: 3_000,
  /** Share of a call's time that a list leaves for its answer to be sent, at most, in milliseconds. */
  listAnswerMs: 100,
  /** Tuples and questions that a list visits before other requests get their turn. */
  listSliceSteps: 2_000,
  /** Lists that may hold a snapshot at the same time; the others wait for one of them. */
  heldSnapshotsMax: 8,
  /** Cost of evaluating one condition once, in CEL units. */
  conditionCostMax: 100,
  /** Timestamps, and as many durations, of contexts that are kept as read. */
  timesRememberedMax: 1_000,
  /** The longest text of such a time, in UTF-16 units. */
  timeTextRememberedMax: 64,
  /** Context stored with a tuple, encoded, in bytes. */
  tupleContextBytesMax: 32_768,
  /** Nested lists and objects in a context. */
  contextDepthMax: 32,
  /** A request message, in bytes after decompression. */
  requestBytesMax: 616_448,
  /** Page of Read, ReadAuthorizationModels and ListStores, in rows. */
  pageSizeMax: 100,
  /** Page when the request names none, in rows. */
  pageSizeDefault: 50,
  /** A request without a deadline of its own, in milliseconds. */
  requestTimeoutMs: 3_000,
  /** Wait for a revision that this server does not have yet, in milliseconds. */
  revisionWaitMs: 1_000,
  /** Time that open requests get at shutdown, in milliseconds. */
  shutdownTimeoutMs: 10_000,
  /** Calls that one gRPC connection may have open. */
  concurrentStreamsMax: 250,
  /** Quiet on a gRPC connection before the server asks whether its peer is still there. */
  idlePingMs: 60_000,
  /** Tuples of all the writes that share one transaction and one fsync. */
  tuplesPerGroupMax: 5_000,
  /** Writes accepted but not yet begun; more are refused. */
  writesWaitingMax: 10_000,
  /** A client's time to send the headers of an HTTP request, in milliseconds. */
  httpHeadersTimeoutMs: 10_000,
  /** A client's time to send a whole HTTP request, in milliseconds. */
  httpRequestTimeoutMs: 30_000,
  /** An idle HTTP connection is kept, in milliseconds: longer than load balancers keep theirs. */
  httpKeepAliveMs: 75_000,
  /** Compiled models kept in memory. */
  compiledModelsMax: 1_000,
  /** The CLI's wait for one answer of a server, in milliseconds. */
  clientTimeoutMs: 30_000,
  /** Times that the CLI repeats a request that a busy or failing server did not answer. */
  clientRetriesMax: 3,
  /** Pause before the CLI's first repeat, in milliseconds; it doubles each time. */
  clientRetryMinMs: 100,
  /** The longest pause that a server's Retry-After may ask of the CLI, in milliseconds. */
  clientRetryMaxMs: 30_000,
  /** One line of a tuple file, in bytes; a tuple with the largest context fits many times. */
  inputLineBytesMax: 1_048_576,
} as const;

assert(limits.pageSizeDefault <= limits.pageSizeMax, 'the default page fits a page');
assert(limits.checkStepsMax >= limits.checkDepthMax, 'a walk of full depth fits the step budget');
assert(limits.tupleContextBytesMax < limits.requestBytesMax, 'a context fits a request');
