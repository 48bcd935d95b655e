/**
 * The answer to a batch, as the batch has its items: in a row. The map that the wire's message has is
 * made only where somebody looks at it; transports write the row as it is.
 */
import { create } from '@bufbuild/protobuf';
import {
  type BatchCheckResponse,
  type BatchCheckSingleResult,
  BatchCheckSingleResultSchema,
} from '../gen/openfga/v1/openfga_service_pb.ts';

export class BatchAnswer implements BatchCheckResponse {
  readonly $typeName = 'openfga.v1.BatchCheckResponse';
  readonly correlationIds: readonly string[];
  /** By the place of the correlation id. */
  readonly results: readonly BatchCheckSingleResult[];

  /** REQUIRES: as many of both, and no id twice. */
  constructor(correlationIds: readonly string[], results: readonly BatchCheckSingleResult[]) {
    this.correlationIds = correlationIds;
    this.results = results;
  }

  /** Made from entries, for which `__proto__` is a correlation id like any other. */
  get result(): { [correlationId: string]: BatchCheckSingleResult } {
    const { results } = this;
    return Object.fromEntries(
      this.correlationIds.map((id, i) => [id, results[i] as BatchCheckSingleResult]),
    );
  }
}

/** Frozen, so that whoever encodes them may do so once and for all. */
export const allowedResult = resultOf(true);
export const deniedResult = resultOf(false);

function resultOf(value: boolean): BatchCheckSingleResult {
  const result = create(BatchCheckSingleResultSchema, { checkResult: { case: 'allowed', value } });
  Object.freeze(result.checkResult);
  return Object.freeze(result);
}
