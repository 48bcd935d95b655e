/** Loaded into a measured server before its own code: says how long its event loop kept others waiting. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

/** Milliseconds since it was asked before. */
export interface LoopDelay {
  readonly p99: number;
  readonly max: number;
}

if (isMainThread && process.send !== undefined) {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  process.on('message', () => {
    const found: LoopDelay = { p99: delays.percentile(99) / 1e6, max: delays.max / 1e6 };
    delays.reset();
    process.send?.(found);
  });
  // It ends when it would end without us.
  process.channel?.unref();
}
