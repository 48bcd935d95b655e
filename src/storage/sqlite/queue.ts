/**
 * Group commit: while one group of commands is being written, those that arrive wait and become the
 * next group. Rows of deleted stores are removed between groups, a step at a time.
 */
import { assert } from '../../base/assert.ts';
import type { Clock } from '../../base/clock.ts';
import { Refusal } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { StoreId } from '../../model/ids.ts';
import type { Tuple } from '../../model/tuple.ts';
import type { TupleWrite } from '../datastore.ts';
import { countOf } from '../tuple-block.ts';
import { createCollector } from './collector.ts';
import { type Command, type Done, errorOf, type Group, type Outcome } from './command.ts';
import type { Collected } from './writer.ts';

/** Where groups are run: a thread of its own, or this one. */
export interface WriterHost {
  /** Tuples after which a group is full. */
  readonly groupTuples: number;
  run(group: Group): Promise<readonly Outcome[]>;
  purge(): Promise<boolean>;
  collect(at: number): Promise<Collected>;
  close(): Promise<void>;
}

export interface Queue {
  /** ENSURES: resolves only once the command is durable. */
  submit(command: Command): Promise<Done>;
  /** Resolves once the writer has answered an empty group: it is alive and can take the lock. */
  probe(): Promise<void>;
  /** Calls after every group, until the function that it returns is called. */
  onSettled(listener: () => void): () => void;
  startPurge(): void;
  /** Resolves once all that has expired by now is collected. */
  collect(): Promise<void>;
  /** Something expires at this time. */
  expect(at: number): void;
  /** Writes what was accepted, then closes the writer. */
  close(): Promise<void>;
}

interface Waiting {
  readonly command: Command | undefined;
  readonly resolve: (done: Done) => void;
  readonly reject: (error: Error) => void;
}

/** Who must see a commit before it is acknowledged. */
export interface Audience {
  caughtUp(store: StoreId): void;
  /** As `caughtUp` once it resolves. */
  caughtUpInTurns(store: StoreId): Promise<void>;
  allCaughtUp(): void;
  forget(store: StoreId): void;
}

export function createQueue(host: WriterHost, clock: Clock, audience: Audience): Queue {
  const waiting: Waiting[] = [];
  let purging = false;
  let closed = false;
  let running: Promise<void> | undefined;
  const listeners = new Set<() => void>();
  const collector = createCollector(host, clock, start, (stores) => {
    if (stores === undefined) audience.allCaughtUp();
    else for (const store of stores) audience.caughtUp(store);
  });

  function enqueue(command: Command | undefined): Promise<Done> {
    if (closed) return Promise.reject(closedRefusal());
    if (waiting.length >= limits.writesWaitingMax) {
      const message = `more than ${limits.writesWaitingMax} writes are waiting; try again later`;
      return Promise.reject(new Refusal('resource_exhausted', message));
    }
    return new Promise((resolve, reject) => {
      waiting.push({ command, resolve, reject });
      start();
    });
  }

  function start(): void {
    running ??= work().finally(() => {
      running = undefined;
      if (hasWork()) start();
    });
  }

  function hasWork(): boolean {
    return waiting.length > 0 || purging || collector.isWanted();
  }

  /** INVARIANT: one at a time. */
  async function work(): Promise<void> {
    // Lets every request that has already arrived join the first group.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (hasWork()) {
      if (waiting.length > 0) await runGroup();
      // What is left of a purge when it closes, or fails, is resumed at the next open.
      purging = purging && !closed && (await host.purge().catch(() => false));
      if (collector.isWanted()) {
        await collector.step();
        settled();
      }
    }
  }

  async function runGroup(): Promise<void> {
    const group = waiting.splice(0, groupLength(waiting, host.groupTuples));
    const commands = group.flatMap(({ command }) => (command === undefined ? [] : [command]));
    const at = clock.now();
    try {
      const outcomes = await host.run({ at, commands });
      assert(outcomes.length === commands.length, 'one outcome a command');
      await show(commands);
      let next = 0;
      for (const { command, resolve, reject } of group) {
        const outcome = command === undefined ? { value: 0 } : outcomes[next++];
        assert(outcome !== undefined, 'one outcome a command');
        if ('fault' in outcome) reject(errorOf(outcome.fault));
        else resolve(outcome);
        if (command?.kind === 'writeTuples') expectAll(command.write.writes, command.write, at);
        if (command?.kind === 'importTuples')
          expectAll(command.load.block.guards, command.load, at);
      }
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error));
      // A writer that died may have committed first.
      await show(commands);
      for (const { reject } of group) reject(reason);
    }
    settled();
  }

  /** A command that was refused has changed nothing, and shows nothing. */
  async function show(commands: readonly Command[]): Promise<void> {
    const stores = new Set(commands.map(({ store }) => store));
    for (const { kind, store } of commands) if (kind === 'deleteStore') audience.forget(store);
    for (const store of stores) await audience.caughtUpInTurns(store);
  }

  function settled(): void {
    for (const listener of listeners) listener();
  }

  /** If the write was refused, there is nothing to collect then. */
  function expectAll(
    guarded: readonly Pick<Tuple, 'expiresAt'>[],
    { idempotencyKey }: Pick<TupleWrite, 'idempotencyKey'>,
    at: number,
  ): void {
    for (const { expiresAt } of guarded) if (expiresAt !== undefined) collector.expect(expiresAt);
    if (idempotencyKey !== undefined) collector.expect(at + limits.idempotencyKeptMs);
  }

  async function submit(command: Command): Promise<Done> {
    const done = await enqueue(command);
    if (command.kind === 'deleteStore') startPurge();
    return done;
  }

  function startPurge(): void {
    if (closed) return;
    purging = true;
    start();
  }

  async function probe(): Promise<void> {
    await enqueue(undefined);
  }

  function onSettled(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  async function close(): Promise<void> {
    if (closed) return;
    closed = true;
    collector.close();
    while (running !== undefined) await running;
    await host.close();
  }

  async function collect(): Promise<void> {
    if (closed) throw closedRefusal();
    await collector.collect();
  }

  return { submit, probe, onSettled, startPurge, collect, expect: collector.expect, close };
}

function closedRefusal(): Refusal {
  return new Refusal('unavailable', 'the datastore is closed');
}

/** How many of the waiting commands the next group takes: at least one, then while there is room. */
function groupLength(waiting: readonly Waiting[], groupTuples: number): number {
  let tuples = 0;
  const full = waiting.findIndex(({ command }) => {
    if (tuples >= groupTuples) return true;
    tuples += tuplesOf(command);
    return false;
  });
  return full === -1 ? waiting.length : full;
}

function tuplesOf(command: Command | undefined): number {
  switch (command?.kind) {
    case 'writeTuples':
      return command.write.writes.length + command.write.deletes.length;
    case 'importTuples':
      return countOf(command.load.block);
    case 'deleteTuples':
      return command.limit;
    default:
      return 1;
  }
}
