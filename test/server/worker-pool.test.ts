// What becomes of workers that hang, end, or cannot start.
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { createLog } from '../../src/server/log.ts';
import { WorkerPool } from '../../src/server/workers/pool.ts';

type Manner = 'good' | 'hangs' | 'throws' | 'ends';

/** The first worker lives these lives, one after the other, and is good from then on. */
function openPool(lives: Manner[]) {
  const lines: Record<string, unknown>[] = [];
  let tell: (line: Record<string, unknown>) => void = () => undefined;
  const { logger } = createLog({ logLevel: 'info', logFormat: 'json' }, systemClock, {
    sink: {
      write(text) {
        const line: Record<string, unknown> = JSON.parse(text);
        lines.push(line);
        tell(line);
      },
    },
  });
  const pool = new WorkerPool({
    workers: 2,
    spawn: (number) =>
      new Worker(new URL('./odd-worker.ts', import.meta.url), {
        workerData: { manner: (number === 1 && lives.shift()) || 'good' },
      }),
    clock: systemClock,
    logger,
    onLog: () => undefined,
    onFirstAdmin: () => undefined,
    times: { restartMin: 1, restartMax: 8, ping: 50, pingsUnanswered: 3 },
  });
  onTestFinished(async () => void (await pool.close(1_000)));
  const serves = () =>
    new Promise<void>((resolve) => {
      tell = ({ msg }) => {
        if (msg === 'a worker serves again') resolve();
      };
    });
  return { pool, lines, serves };
}

test('one that hangs is ended, and started again', async () => {
  const { pool, lines, serves } = openPool(['hangs']);
  const again = serves();
  await pool.start();
  await again;
  expect(pool.serving).toBe(2);
  expect(lines).toContainEqual(
    expect.objectContaining({
      worker: 1,
      msg: 'a worker does not answer any more: it is ended',
    }),
  );
  expect(lines.filter(({ worker }) => worker === 2)).toEqual([]);
});

test('one that ends before it serves is started again after a pause that doubles', async () => {
  const { pool, lines, serves } = openPool(['good', 'throws', 'ends', 'throws', 'ends', 'throws']);
  await pool.start();
  const again = serves();
  await pool.threads.get(1)?.terminate();
  await again;
  expect(pool.serving).toBe(2);
  expect(pool.restarts).toBe(6);
  const pauses = lines.flatMap(({ pauseMs }) => (pauseMs === undefined ? [] : [pauseMs]));
  expect(pauses).toEqual([1, 2, 4, 8, 8, 8]);
  expect(lines.filter(({ msg }) => msg === 'a worker failed')).toHaveLength(3);
});

test('a pool that cannot start says why, and leaves no thread', async () => {
  const { pool } = openPool(['ends']);
  await expect(pool.start()).rejects.toThrow('the worker has ended');
  expect(pool.serving).toBe(0);
  expect([...pool.threads]).toEqual([]);
});
