/** Collects lines, so that where they go is asked once a block: to be asked costs more than a line. */
import type { LogSink } from './log.ts';

/** What one write of the destination takes at most, in UTF-16 code units. */
const blockLength = 12 * 1024;
/** No line waits longer for its block to fill. */
const waitMs = 500;

export class LineBlocks implements LogSink {
  readonly #out: LogSink;
  #block = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(out: LogSink) {
    this.#out = out;
  }

  write(line: string): void {
    this.#block += line;
    if (this.#block.length >= blockLength) this.flush();
    // It is left to run when a block fills before: then it looks after the next one.
    else this.#timer ??= setTimeout(() => this.#look(), waitMs).unref();
  }

  flush(): void {
    if (this.#block === '') return;
    const block = this.#block;
    this.#block = '';
    this.#out.write(block);
  }

  #look(): void {
    this.#timer = undefined;
    this.flush();
  }
}
