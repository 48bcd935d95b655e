/** Programs of the bench in processes of their own: one request at a time, over Node's own channel. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { WrongAnswer } from '../callers/caller.ts';

/** On the way, a value that is undefined is left out. */
type Reply = { readonly value?: unknown } | { readonly error: string; readonly wrong: boolean };

export class Remote {
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.child = child;
  }

  /** `program` is a file of this folder, which calls `answer`. */
  static start(program: string): Remote {
    return new Remote(fork(new URL(program, import.meta.url)));
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** REQUIRES: the last request was answered. The types are those of the program's `answer`. */
  async ask<Answer>(request: object): Promise<Answer> {
    const gone = new AbortController();
    const exited = once(this.child, 'exit', { signal: gone.signal }).then(([code]) => {
      throw new Error(`a process of the bench ended with ${code}`);
    });
    const replied = once(this.child, 'message', { signal: gone.signal });
    this.child.send(request);
    const [reply] = (await Promise.race([replied, exited])) as [Reply];
    exited.catch(() => undefined);
    replied.catch(() => undefined);
    gone.abort();
    if (!('error' in reply)) return reply.value as Answer;
    throw reply.wrong ? new WrongAnswer(reply.error) : new Error(reply.error);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.disconnect();
    await exited;
  }
}

/** The other side: answers until the bench lets go, then tidies up and ends. */
export function answer<Request>(
  handle: (request: Request) => unknown,
  finish: () => unknown = () => undefined,
): void {
  process.on('message', async (request) => {
    let reply: Reply;
    try {
      reply = { value: await handle(request as Request) };
    } catch (error) {
      const wrong = error instanceof WrongAnswer;
      reply = { error: error instanceof Error ? error.message : String(error), wrong };
    }
    process.send?.(reply);
  });
  process.on('disconnect', async () => {
    await finish();
    process.exit(0);
  });
  // The terminal's interrupt reaches all; the bench says when it is over.
  process.on('SIGINT', () => undefined);
}
