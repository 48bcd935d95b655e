/**
 * Where bases of resident graphs are read. For a file: a thread with a connection of its own, so
 * that reading a store whole holds up nobody; the arrays come back as shared memory, not as copies.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type Database from 'better-sqlite3';
import { assert } from '../../base/assert.ts';
import { limits } from '../../base/limits.ts';
import type { StoreId } from '../../model/ids.ts';
import type { Base } from '../resident/base.ts';
import { errorOf, type Fault, faultOf } from './command.ts';
import { openReadonly } from './database.ts';
import { readBase } from './read-base.ts';
import { stepBack } from './step-back.ts';
import { createReading, type Reading } from './view.ts';

export type BaseAnswer = Base | 'missing' | 'too large';

export interface BaseHost {
  /** `old` is the base that is to be replaced, if there is one. */
  build(store: StoreId, bytesMax: number, old?: Base): Promise<BaseAnswer>;
  close(): Promise<void>;
}

interface Request {
  readonly store: StoreId;
  readonly bytesMax: number;
}

type Reply = { readonly answer: BaseAnswer } | { readonly fault: Fault };

/** Marks a worker as ours: this module is its entry too, so that it is found built and unbuilt. */
const entryMark = 'pemba-sqlite-bases';

/** In this thread a store is read in one go, so that it must be small. */
export function baseHostHere(database: Database.Database, reading: Reading): BaseHost {
  return {
    async build(store, bytesMax) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      return baseOf(database, reading, {
        store,
        bytesMax: Math.min(bytesMax, limits.graphBytesHereMax),
      });
    },
    close: async () => undefined,
  };
}

/** The thread starts with the first base that is asked for, and does one after the other. */
export function baseHostInThread(path: string): BaseHost {
  let worker: Worker | undefined;
  const open: { resolve(answer: BaseAnswer): void; reject(error: Error): void }[] = [];

  function start(): Worker {
    const started = new Worker(new URL(import.meta.url), {
      name: entryMark,
      workerData: { mark: entryMark, path },
    });
    started.unref();
    started.on('message', (reply: Reply) => {
      const asked = open.shift();
      assert(asked !== undefined, 'every answer was asked for');
      if ('fault' in reply) asked.reject(errorOf(reply.fault));
      else asked.resolve(reply.answer);
    });
    const end = (cause: unknown) => {
      if (worker === started) worker = undefined;
      const error = new Error('the thread that reads bases has stopped', { cause });
      for (const asked of open.splice(0)) asked.reject(error);
    };
    started.on('error', end);
    started.on('exit', end);
    return started;
  }

  return {
    build(store, bytesMax) {
      worker ??= start();
      const request: Request = { store, bytesMax };
      worker.postMessage(request);
      return new Promise((resolve, reject) => open.push({ resolve, reject }));
    },
    async close() {
      await worker?.terminate();
    },
  };
}

function baseOf(
  database: Database.Database,
  reading: Reading,
  { store, bytesMax }: Request,
): BaseAnswer {
  return reading.inStore(store, (view) =>
    view.key === 0 ? 'missing' : (readBase(database, view, bytesMax) ?? 'too large'),
  );
}

/** The thread's side. */
function serve(path: string): void {
  const port = parentPort;
  assert(port !== null, 'a worker has a parent');
  stepBack('bases');
  let opened: { database: Database.Database; reading: Reading } | undefined;
  port.on('message', (request: Request) => {
    let reply: Reply;
    try {
      if (opened === undefined) {
        const database = openReadonly(path);
        opened = { database, reading: createReading(database) };
      }
      reply = { answer: baseOf(opened.database, opened.reading, request) };
    } catch (error) {
      reply = { fault: faultOf(error) };
    }
    port.postMessage(reply);
  });
}

if (!isMainThread && isOurs(workerData)) serve(workerData.path);

function isOurs(data: unknown): data is { mark: string; path: string } {
  return typeof data === 'object' && data !== null && 'mark' in data && data.mark === entryMark;
}
