// A worker of the tests' own: it serves nothing, and fails as it is told by its number of lives.
import { parentPort, workerData } from 'node:worker_threads';

const { manner } = workerData as { readonly manner: 'good' | 'hangs' | 'throws' | 'ends' };

if (manner === 'throws') throw new Error('no start today');
if (manner === 'ends') process.exit(3);
parentPort?.on('message', ({ id, order }: { id: number; order: { kind: string } }) => {
  for (; manner === 'hangs' && order.kind === 'ping'; );
  parentPort?.postMessage({ kind: 'done', id });
  if (order.kind === 'close') parentPort?.close();
});
parentPort?.postMessage({ kind: 'serving' });
