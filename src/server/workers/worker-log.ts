/** The log of a worker: its lines go to the main thread, those of one turn of the loop together. */
import type { LogSink } from '../log.ts';

export interface WorkerLog extends LogSink {
  /** Sends what is still here. */
  flush(): void;
}

export function createWorkerLog(send: (lines: string) => void): WorkerLog {
  let lines = '';
  function flush(): void {
    if (lines === '') return;
    const sent = lines;
    lines = '';
    send(sent);
  }
  return {
    write(line) {
      if (lines === '') setImmediate(flush);
      lines += line;
    },
    flush,
  };
}
