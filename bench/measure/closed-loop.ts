/**
 * A closed loop: so many clients, each asks again as soon as it is answered. It says what an answer
 * costs and how many there can be; of latency it says little, as who waits does not ask.
 */

/** Asks once and judges the answer: throws, or rejects, where it is wrong. */
export type Ask = () => undefined | Promise<undefined>;

export interface Job {
  /** Asked in turn, round and round. */
  readonly asks: readonly Ask[];
  /** Answers of each ask: 50 for a batch of 50. */
  readonly answersEach: number;
}

/** Where the next loop over the same job goes on, so that short rounds together see every question. */
const positions = new WeakMap<Job, number>();

/** REQUIRES: the job has something to ask. Returns the number of answers and the time. */
export async function closedLoop(
  job: Job,
  { ms, clients }: { readonly ms: number; readonly clients: number },
): Promise<{ count: number; wallMs: number }> {
  const { asks, answersEach } = job;
  let next = positions.get(job) ?? 0;
  let count = 0;
  const start = performance.now();
  const client = async () => {
    // The time is looked at every few asks: in this process it costs as much as an answer.
    while (performance.now() - start < ms) {
      for (let i = 0; i < 16; i++) {
        const answer = asks[next++ % asks.length]?.();
        if (answer === undefined) {
          count += answersEach;
          continue;
        }
        await answer;
        count += answersEach;
        break;
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  positions.set(job, next % asks.length);
  return { count, wallMs: performance.now() - start };
}
