/** Ctrl-C during long work: the first one ends it in order, the second one at once. */
import { exitCodes } from './exit-codes.ts';
import { note } from './output.ts';

export interface Interrupt extends Disposable {
  readonly signal: AbortSignal;
}

export function onInterrupt(message: string): Interrupt {
  const controller = new AbortController();
  const handle = (): void => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted.code);
    note(`\n${message}`);
    controller.abort();
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      process.off('SIGINT', handle);
      process.off('SIGTERM', handle);
    },
  };
}
