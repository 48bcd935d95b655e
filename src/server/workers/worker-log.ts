/** The log of a worker: its lines go to the main thread, in blocks, for a message costs more than a line. */
import type { LogSink } from '../log.ts';

export interface WorkerLog extends LogSink {
  /** Sends what is still here. */
  flush(): void;
}

/** As long as a line waits for others at most, and as long as they get together. */
const waitMs = 50;
const blockLength = 16_384;

export function createWorkerLog(send: (lines: string) => void): WorkerLog {
  let lines = '';
  let timer: NodeJS.Timeout | undefined;
  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (lines === '') return;
    const sent = lines;
    lines = '';
    send(sent);
  }
  return {
    write(line) {
      lines += line;
      if (lines.length >= blockLength) flush();
      else timer ??= setTimeout(flush, waitMs);
    },
    flush,
  };
}
