/**
 * Where the writer runs. For a file: a thread of its own, so that an fsync never holds up an
 * answer. For `:memory:`, which only one connection can see: this thread.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type Database from 'better-sqlite3';
import { assert } from '../../base/assert.ts';
import { Refusal } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { RevisionBoard } from '../resident/revision-board.ts';
import { errorOf, type Fault, faultOf, type Group, type Outcome } from './command.ts';
import { openForWriting } from './database.ts';
import type { WriterHost } from './queue.ts';
import { stepBack } from './step-back.ts';
import { storageRefusal } from './storage-fault.ts';
import { type Collected, createWriter, type Writer } from './writer.ts';

type Request =
  | { readonly kind: 'run'; readonly group: Group }
  | { readonly kind: 'collect'; readonly at: number }
  | { readonly kind: 'purge' | 'close' };

type Reply =
  | { readonly kind: 'opened' | 'closed' }
  | { readonly kind: 'ran'; readonly outcomes: readonly Outcome[] }
  | { readonly kind: 'purged'; readonly more: boolean }
  | { readonly kind: 'collected'; readonly collected: Collected }
  | { readonly kind: 'failed'; readonly fault: Fault };

/** Marks a worker as ours: this module is its entry too, so that it is found built and unbuilt. */
const entryMark = 'pemba-sqlite-writer';

/** In this thread a group holds up everything else, and there is no fsync to share. */
const groupTuplesHere = 200;

export function hostHere(database: Database.Database): WriterHost {
  const writer = createWriter(database);
  /** Lets answers be given between one piece of work and the next. */
  const breath = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    groupTuples: groupTuplesHere,
    async run(group) {
      await breath();
      return writer.run(group);
    },
    async purge() {
      await breath();
      return writer.purge();
    },
    async collect(at) {
      await breath();
      return writer.collect(at);
    },
    close: async () => writer.close(),
  };
}

export interface ThreadHost extends WriterHost {
  /** The thread itself, for a test to end it. */
  readonly worker: Worker;
}

/** What the thread is started with. */
interface Start {
  readonly mark: string;
  readonly path: string;
  readonly board: SharedArrayBuffer | undefined;
}

/**
 * ENSURES: the thread has opened the file, or the refusal that says why not. What it commits is on
 * the board, if there is one, before it is acknowledged.
 */
export async function hostInThread(path: string, board?: RevisionBoard): Promise<ThreadHost> {
  const worker = new Worker(new URL(import.meta.url), {
    name: entryMark,
    workerData: { mark: entryMark, path, board: board?.buffer } satisfies Start,
  });
  let open: { resolve(reply: Reply): void; reject(error: Error): void } | undefined;
  let ended: Refusal | undefined;

  worker.on('message', (reply: Reply) => {
    const { resolve, reject } = taken();
    if (reply.kind === 'failed') reject(errorOf(reply.fault));
    else resolve(reply);
  });
  worker.on('error', (error) => end(error));
  worker.on('exit', () => end(undefined));

  function taken() {
    assert(open !== undefined, 'the writer answers what it was asked');
    const request = open;
    open = undefined;
    // An idle writer does not keep the process alive.
    worker.unref();
    return request;
  }

  function end(cause: unknown): void {
    const message = 'the writer has stopped: nothing can be written; restart the server';
    ended ??= new Refusal('unavailable', message, { cause });
    if (open !== undefined) taken().reject(ended);
  }

  function reply(): Promise<Reply> {
    assert(open === undefined, 'one request at a time');
    if (ended !== undefined) return Promise.reject(ended);
    worker.ref();
    return new Promise((resolve, reject) => {
      open = { resolve, reject };
    });
  }

  function ask(request: Request): Promise<Reply> {
    const answer = reply();
    if (ended === undefined) worker.postMessage(request);
    return answer;
  }

  await reply();

  return {
    worker,
    groupTuples: limits.tuplesPerGroupMax,
    async run(group) {
      const answer = await ask({ kind: 'run', group });
      assert(answer.kind === 'ran', 'a group is answered by its outcomes');
      return answer.outcomes;
    },
    async purge() {
      const answer = await ask({ kind: 'purge' });
      assert(answer.kind === 'purged', 'a purge is answered by what is left');
      return answer.more;
    },
    async collect(at) {
      const answer = await ask({ kind: 'collect', at });
      assert(answer.kind === 'collected', 'a collection is answered by what is left');
      return answer.collected;
    },
    async close() {
      // A writer that is gone has nothing left to close; what it committed is safe in the file.
      if (ended !== undefined) return;
      await ask({ kind: 'close' });
      await worker.terminate();
    },
  };
}

/** The thread's side. */
function serve({ path, board }: Start): void {
  const port = parentPort;
  assert(port !== null, 'a worker has a parent');
  stepBack('writer');
  let writer: Writer;
  try {
    writer = createWriter(openForWriting(path), board && new RevisionBoard(board));
  } catch (error) {
    port.postMessage({ kind: 'failed', fault: faultOf(error) } satisfies Reply);
    return;
  }
  port.on('message', (request: Request) => {
    let answer: Reply;
    try {
      answer = handle(writer, request);
    } catch (error) {
      answer = { kind: 'failed', fault: faultOf(storageRefusal(error)) };
    }
    port.postMessage(answer);
  });
  port.postMessage({ kind: 'opened' } satisfies Reply);
}

function handle(writer: Writer, request: Request): Reply {
  switch (request.kind) {
    case 'run':
      return { kind: 'ran', outcomes: writer.run(request.group) };
    case 'purge':
      return { kind: 'purged', more: writer.purge() };
    case 'collect':
      return { kind: 'collected', collected: writer.collect(request.at) };
    case 'close':
      writer.close();
      return { kind: 'closed' };
  }
}

if (!isMainThread && isOurs(workerData)) serve(workerData);

function isOurs(data: unknown): data is Start {
  return typeof data === 'object' && data !== null && 'mark' in data && data.mark === entryMark;
}
