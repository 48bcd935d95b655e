/** Waits for a slow reader: it holds its stream up, not our memory. */
import type { EventEmitter } from 'node:events';

/** Resolves when there is room again, or nobody waits any more. */
export function drained(stream: EventEmitter, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const resume = () => {
      stream.off('drain', resume);
      signal.removeEventListener('abort', resume);
      resolve();
    };
    stream.on('drain', resume);
    signal.addEventListener('abort', resume);
    if (signal.aborted) resume();
  });
}
