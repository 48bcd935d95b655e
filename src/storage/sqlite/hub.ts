/**
 * One SQLite file for several worker threads: the one writer, the bases of resident graphs, and the
 * ownership of the file are here; each worker reads with connections of its own (`seat.ts`).
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { assert } from '../../base/assert.ts';
import { RevisionBoard } from '../resident/revision-board.ts';
import { baseHostInThread } from './base-host.ts';
import { faultOf } from './command.ts';
import { cursorsOf } from './cursor.ts';
import { openDatabase, refuseUnfit } from './database.ts';
import { createHolding } from './hold.ts';
import { createDatastore, type SqliteDatastore, type SqliteOptions } from './open.ts';
import { own } from './owner.ts';
import { type Audience, createQueue, type Queue } from './queue.ts';
import type { Answer, Question, Seat, SharedGraphs, ToHub, ToSeat } from './seat-messages.ts';
import { type BaseUser, SharedBases } from './shared-bases.ts';
import { createReading } from './view.ts';
import { hostInThread } from './writer-host.ts';

export interface Hub {
  /** For this thread, without resident graphs. */
  readonly datastore: SqliteDatastore;
  readonly bases: Pick<SharedBases, 'bytes' | 'bytesMax' | 'counts' | 'stores'>;
  /** For one more worker. It is given up when its port is closed, as when its thread ends. */
  seat(): Seat;
  /** Writes what was accepted, then lets go of the file. REQUIRES: the workers are done. */
  close(): Promise<void>;
}

export async function openHub(options: SqliteOptions): Promise<Hub> {
  const { path, clock, graphBytesMax = 0 } = options;
  const closing: (() => void)[] = [];
  try {
    refuseUnfit(path);
    const ownership = await own(path, graphBytesMax > 0 ? 'alone' : 'shared');
    closing.push(() => ownership.release());
    const database = openDatabase(path);
    closing.push(() => database.close());
    database.pragma('query_only = ON');
    const board = new RevisionBoard();
    const host = await hostInThread(path, board);
    const bases = baseHostInThread(path);
    const shared = new SharedBases({ bases, board, bytesMax: graphBytesMax });
    const seats = new Set<SeatHolder>();
    let queue: Queue | undefined;
    const datastore = createDatastore(
      {
        database,
        reading: createReading(database),
        bases,
        board,
        holding: createHolding(path, cursorsOf(database), clock),
        ownership,
        writing(audience) {
          queue = createQueue(host, clock, towards(audience, shared, seats));
          return queue;
        },
      },
      { clock },
    );
    assert(queue !== undefined, 'a datastore writes');
    const { submit, probe, collect } = queue;
    const desk = { submit, probe, collect, shared };
    return {
      datastore,
      bases: shared,
      seat() {
        const { port1, port2 } = new MessageChannel();
        const holder = new SeatHolder(port1, desk, () => seats.delete(holder));
        seats.add(holder);
        return { path, board: board.buffer, graphBytesMax, port: port2 };
      },
      async close() {
        for (const seat of seats) seat.close();
        await datastore.close();
      },
    };
  } catch (error) {
    for (const close of closing.reverse()) close();
    throw error;
  }
}

/** What a worker may ask for. */
interface Desk extends Pick<Queue, 'submit' | 'probe' | 'collect'> {
  readonly shared: SharedBases;
}

/** The hub's side of one worker. */
class SeatHolder implements BaseUser {
  hasLeft = false;
  private readonly port: MessagePort;
  private readonly desk: Desk;

  constructor(port: MessagePort, desk: Desk, onLeft: () => void) {
    this.port = port;
    this.desk = desk;
    port.on('message', (message: ToHub) => {
      if (message.kind === 'held') desk.shared.report(this, message.store, message.bytes);
      else void this.answer(message.id, message.question);
    });
    // Also when the thread ends, however it does: what it wrote is written, and nobody waits for it.
    port.on('close', () => {
      this.hasLeft = true;
      desk.shared.leave(this);
      onLeft();
    });
    // The threads that are served keep the process alive.
    port.unref();
  }

  giveWay: BaseUser['giveWay'] = (store) => this.tell({ kind: 'give way', store });

  tell(message: ToSeat): void {
    if (!this.hasLeft) this.port.postMessage(message);
  }

  close(): void {
    this.port.close();
  }

  private async answer(id: number, question: Question): Promise<void> {
    let answer: Answer;
    try {
      answer = await this.find(question);
    } catch (error) {
      answer = { kind: 'failed', fault: faultOf(error) };
    }
    this.tell({ kind: 'answer', id, answer });
  }

  private async find(question: Question): Promise<Answer> {
    const { desk } = this;
    switch (question.kind) {
      case 'submit':
        return { kind: 'done', done: await desk.submit(question.command) };
      case 'probe':
        await desk.probe();
        return { kind: 'done', done: { value: 0 } };
      case 'collect':
        await desk.collect();
        return { kind: 'done', done: { value: 0 } };
      case 'base': {
        const { store, old } = question;
        return { kind: 'base', base: await desk.shared.take(this, store, old) };
      }
      case 'graphs':
        return { kind: 'graphs', graphs: graphsOf(desk.shared, question.of) };
    }
  }
}

function graphsOf(shared: SharedBases, of: Extract<Question, { kind: 'graphs' }>['of']) {
  const { bytes, stores } = shared;
  if (typeof of === 'number') return { bytes, stores, places: shared.places(of) };
  const place = shared.place(of);
  const places: SharedGraphs['places'] = place === undefined ? [] : [[of, place]];
  return { bytes, stores, places };
}

/** Every worker hears of every commit, in the order of the commits. Nobody waits for it. */
function towards(here: Audience, shared: SharedBases, seats: ReadonlySet<SeatHolder>): Audience {
  return {
    caughtUp(store) {
      here.caughtUp(store);
      for (const seat of seats) seat.tell({ kind: 'committed', stores: [store] });
    },
    async caughtUpInTurns(store) {
      this.caughtUp(store);
    },
    // What has expired counts for nothing already: the workers take it in when they read.
    allCaughtUp: () => here.allCaughtUp(),
    forget(store) {
      here.forget(store);
      shared.forget(store);
    },
  };
}
