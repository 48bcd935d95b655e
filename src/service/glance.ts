/**
 * Messages of which a request has many, seen at one glance to keep all their rules: the rules are those
 * of the table, and whatever is out of the ordinary is left to them.
 */
import { assert } from '../base/assert.ts';
import type { BatchCheckItem } from '../gen/openfga/v1/openfga_service_pb.ts';
import { isBare } from './bare-walk.ts';
import { fieldRules } from './field-rules.ts';
import { plainTest } from './plain-text.ts';

/** ENSURES: true only for items that break no rule. */
export function createItemGlance(): (item: BatchCheckItem) => boolean {
  const isUser = testOf('CheckRequestTupleKey', 'user');
  const isRelation = testOf('CheckRequestTupleKey', 'relation');
  const isObject = testOf('CheckRequestTupleKey', 'object');
  const isCorrelationId = testOf('BatchCheckItem', 'correlation_id');
  return (item) => {
    const { tupleKey } = item;
    return (
      tupleKey !== undefined &&
      isBare(item) &&
      isUser(tupleKey.user) &&
      isRelation(tupleKey.relation) &&
      isObject(tupleKey.object) &&
      isCorrelationId(item.correlationId)
    );
  };
}

function testOf(message: string, field: string): (text: string) => boolean {
  const rule = fieldRules[message]?.[field];
  assert(rule?.kind === 'text', `${message}.${field} is a text`);
  const test = plainTest(rule);
  assert(test !== undefined, `the rule of ${message}.${field} is one class of characters`);
  return test;
}
