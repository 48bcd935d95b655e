/** One bulk run from its file to its exit code: shared by `tuple write`, `tuple delete` and `store import`. */
import type { Connection } from './connection.ts';
import { Failure } from './exit-codes.ts';
import { onInterrupt } from './interrupt.ts';
import { note } from './output.ts';
import { runBulk } from './tuple-bulk.ts';
import { type BulkWork, noProgress, openProgress, type Progress } from './tuple-progress.ts';
import { type BulkTotals, type ReportOptions, startReport } from './tuple-report.ts';
import type { Conflict, WirePrecondition, WireTuple } from './wire.ts';

export interface TransferOptions {
  readonly operation: 'write' | 'delete';
  readonly conflict: Conflict;
  /** These two go with one request. */
  readonly preconditions?: readonly WirePrecondition[] | undefined;
  readonly idempotencyKey?: string | undefined;
  readonly maxTuplesPerWrite: number;
  readonly maxParallelRequests: number;
  readonly maxRps: number | undefined;
  readonly skip: number;
  /** The progress file; undefined for none. */
  readonly resume: string | undefined;
  readonly hideImportedTuples: boolean;
  readonly form: ReportOptions['form'];
}

export interface TransferSource {
  /** Undefined where the tuples come from no file that could be read again. */
  readonly file: string | undefined;
  readonly total: number;
  readonly tuples: AsyncIterable<{ readonly line: number; readonly tuple: WireTuple }>;
}

/**
 * ENSURES: returns the totals once every tuple was sent, the refused ones among them; throws if the
 * work ended before, with what was done already printed.
 */
export async function transfer(
  connection: Connection,
  source: TransferSource,
  options: TransferOptions,
): Promise<BulkTotals> {
  const { operation } = options;
  const progress = progressOf(connection, source, options);
  const earlier = totalsOf(progress);
  const earlierCount = earlier.successful + earlier.failed.length;
  if (earlierCount > 0) note(`${earlierCount} of ${source.total} tuples: done by an earlier run`);
  const report = await startReport({
    form: options.form,
    operation,
    total: source.total - options.skip,
    // A list of only some of the successes would mislead.
    hideSuccessful: options.hideImportedTuples || earlierCount > 0,
    earlier,
  });

  using interrupt = onInterrupt('stopping: what is on its way is finished first');
  const outcome = await runBulk(source.tuples, {
    client: connection.client,
    storeId: connection.storeId,
    modelId: connection.modelId,
    operation,
    conflict: options.conflict,
    preconditions: options.preconditions,
    idempotencyKey: options.idempotencyKey,
    onRepeated: () => note('this idempotency key was used before: the tuple was written then'),
    tuplesPerRequest: options.maxTuplesPerWrite,
    parallelRequests: options.maxParallelRequests,
    requestsPerSecond: options.maxRps,
    skip: options.skip,
    progress,
    stop: interrupt.signal,
    onChunk: (successful, failed) => report.add(successful, failed),
  });
  const totals = report.end();
  if (outcome.error !== undefined || outcome.stopped) {
    note(howToGoOn(source, options));
    throw outcome.error ?? new Failure('interrupted', 'interrupted before the end');
  }
  progress.remove();
  return totals;
}

/** For commands that failed if one tuple did. */
export function requireAll({ failed }: BulkTotals, operation: 'write' | 'delete'): void {
  if (failed.length === 0) return;
  const tuples = failed.length === 1 ? '1 tuple was' : `${failed.length} tuples were`;
  throw new Failure('failed', `${tuples} not ${operation === 'write' ? 'written' : 'deleted'}`);
}

function totalsOf(progress: Progress): BulkTotals {
  const failed = progress.done.flatMap((chunk) => chunk.failed);
  const count = progress.done.reduce((sum, chunk) => sum + chunk.count, 0);
  return { successful: count - failed.length, failed };
}

function progressOf(
  connection: Connection,
  source: TransferSource,
  options: TransferOptions,
): Progress {
  if (options.resume === undefined || source.file === undefined) return noProgress;
  const { operation } = options;
  const work: BulkWork = { operation, storeId: connection.storeId, file: source.file };
  return openProgress(options.resume, work);
}

function howToGoOn(source: TransferSource, options: TransferOptions): string {
  if (options.resume !== undefined) {
    return `to go on, run the same command again: ${options.resume} knows what is done`;
  }
  if (options.conflict === 'replace') return 'to go on, run the same command again';
  const same = options.operation === 'write' ? 'exist already' : 'are gone already';
  if (options.conflict === 'ignore') {
    const faster = source.file === undefined ? '' : ' (with --resume FILE it would skip them)';
    return `to go on, run the same command again: tuples that ${same} are passed over${faster}`;
  }
  const flag = options.operation === 'write' ? '--on-duplicate ignore' : '--on-missing ignore';
  return `to go on, run the same command again with ${flag}: tuples that ${same} are passed over`;
}
