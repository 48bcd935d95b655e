/** What a bulk import or delete says: a bar while it runs, the failures and the counts at its end. */
import { paint, print, printJson, streamJson } from './output.ts';
import type { FailedTuple } from './tuple-progress.ts';
import type { WireTuple } from './wire.ts';

export interface BulkTotals {
  readonly successful: number;
  /** In the order of the file. */
  readonly failed: readonly FailedTuple[];
}

export interface BulkReport {
  add(successful: readonly WireTuple[], failed: readonly FailedTuple[]): void;
  /** Ends the report. REQUIRES: nothing is added after it. */
  end(): BulkTotals;
}

export interface ReportOptions {
  /** `none` collects the totals and leaves it to the caller to print them. */
  readonly form: 'text' | 'json' | 'none';
  readonly operation: 'write' | 'delete';
  /** How many tuples there are in all. */
  readonly total: number;
  /** Leave the successful tuples out of the JSON. */
  readonly hideSuccessful: boolean;
  /** What an earlier run of the same work did. */
  readonly earlier: BulkTotals;
}

/** Below this many tuples a bar would be gone before it is seen. */
const barTuplesMin = 1000;

export async function startReport(options: ReportOptions): Promise<BulkReport> {
  const bar = await startBar(options);
  const { form, hideSuccessful, earlier } = options;
  const stream = form === 'json' && !hideSuccessful ? streamJson('successful') : undefined;
  const allFailed = [...earlier.failed];
  let { successful } = earlier;
  return {
    add(tuples, failed) {
      // Successes go out as they come: there may be millions.
      stream?.add(tuples);
      successful += tuples.length;
      allFailed.push(...failed);
      bar.advance(tuples.length + failed.length);
    },
    end() {
      bar.stop();
      const totals = { successful, failed: allFailed.toSorted((a, b) => a.line - b.line) };
      if (form === 'text') printTotals(totals, options.operation);
      else if (stream !== undefined) stream.end(jsonOfTotals(totals));
      else if (form === 'json') printJson(jsonOfTotals(totals));
      return totals;
    },
  };
}

/** The shape that OpenFGA's `fga` prints, with the line of the file beside each failure. */
export function jsonOfTotals({ successful, failed }: BulkTotals) {
  return {
    failed: failed.map(({ line, tuple_key, reason }) =>
      line === 0 ? { tuple_key, reason } : { tuple_key, reason, line },
    ),
    total_count: successful + failed.length,
    successful_count: successful,
    failed_count: failed.length,
  };
}

export function describeTuple(tuple: WireTuple): string {
  const { user, relation, object, condition, expires_at } = tuple;
  const end = expires_at === undefined ? '' : ` (expires ${expires_at})`;
  if (condition === undefined) return `${user} ${relation} ${object}${end}`;
  const context = condition.context === undefined ? '' : ` ${JSON.stringify(condition.context)}`;
  return `${user} ${relation} ${object} (condition ${condition.name}${context})${end}`;
}

function printTotals({ successful, failed }: BulkTotals, operation: 'write' | 'delete'): void {
  for (const { line, tuple_key, reason } of failed) {
    const where = line === 0 ? '' : `line ${line}: `;
    print(`${paint('red', 'failed')} ${where}${describeTuple(tuple_key)}: ${reason}`);
  }
  const done = operation === 'write' ? 'written' : 'deleted';
  const failures = failed.length === 0 ? '' : `, ${failed.length} failed`;
  print(`${successful} ${successful === 1 ? 'tuple' : 'tuples'} ${done}${failures}`);
}

/** A bar on stderr, where stderr is a terminal and the work is long enough to watch. */
async function startBar(
  options: ReportOptions,
): Promise<{ advance(count: number): void; stop(): void }> {
  if (!process.stderr.isTTY || options.total < barTuplesMin) {
    return { advance: () => {}, stop: () => {} };
  }
  const { default: progress } = await import('cli-progress');
  const bar = new progress.SingleBar({
    format: ' {bar} {value}/{total} tuples, {eta_formatted} left',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
  });
  bar.start(options.total, options.earlier.successful + options.earlier.failed.length);
  return { advance: (count) => bar.increment(count), stop: () => bar.stop() };
}
