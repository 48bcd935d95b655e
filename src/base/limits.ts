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
  /** One model, encoded, in bytes. */
  modelBytesMax: 262_144,
  /** Nested rewrites in one relation of a model. */
  rewriteDepthMax: 100,
  /** Usersets and tuple-to-userset hops between a question and the tuple that answers it. */
  checkDepthMax: 25,
  /** Questions and tuples that one request may visit. */
  checkStepsMax: 1_000_000,
  /** Cost of evaluating one condition once, in CEL units. */
  conditionCostMax: 100,
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
  /** Compiled models kept in memory. */
  compiledModelsMax: 1_000,
} as const;

assert(limits.pageSizeDefault <= limits.pageSizeMax, 'the default page fits a page');
assert(limits.checkStepsMax >= limits.checkDepthMax, 'a walk of full depth fits the step budget');
assert(limits.tupleContextBytesMax < limits.requestBytesMax, 'a context fits a request');
