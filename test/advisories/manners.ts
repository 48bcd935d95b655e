/**
 * One question in every manner in which it can be put: fresh and again, alone and in a batch, in
 * either order, at once, from a resident graph that grew with the writes, from a file that was closed
 * and opened again, and from a graph built of it, with the tuples stored or contextual. An advisory
 * is only past when none of these differ.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '@bufbuild/protobuf';
import { expect, onTestFinished } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { modelFromDsl } from '../../src/model/dsl.ts';
import { isStoreId, type StoreId } from '../../src/model/ids.ts';
import type { Datastore } from '../../src/storage/datastore.ts';
import { type TupleText, tupleOf } from '../engine/world.ts';
import { openService, type TestService, tupleKey } from '../service/harness.ts';
import { type Item, wireTuple } from './item.ts';
import { everyOtherWay } from './other-ways.ts';

/** DSL, or JSON for what the DSL cannot say. */
export type ModelText = string | JsonObject;

export interface Fixture {
  readonly model: ModelText;
  /** Under which the tuples were written, where they would be refused today. */
  readonly olderModel?: ModelText;
  readonly tuples?: readonly TupleText[];
  /** Put straight into storage, below validation. */
  readonly raw?: readonly TupleText[];
  readonly context?: JsonObject;
  readonly checks: Readonly<Record<string, string>>;
  /** False where the model lets nobody send the tuples along with a question. */
  readonly contextual?: false;
}

/** ENSURES: every check has its expected answer in every manner. */
export async function holds(fixture: Fixture): Promise<void> {
  const { context = {}, tuples = [] } = fixture;
  const items = Object.entries(fixture.checks).map(([check, expected]) => ({
    check,
    context,
    expected,
  }));
  const stored = await opened();
  await ask(stored, await filled(stored, fixture), items);

  const path = temporaryFile();
  const before = await openService({ path });
  const store = await filled(before, fixture);
  await before.close();
  const after = await openService({ path });
  await ask(after, store, items);
  await after.close();
  const built = await opened(path);
  await warm(built, store);
  await ask(built, store, items);

  if (fixture.contextual === false || fixture.raw !== undefined) return;
  const bare = await filled(stored, { ...fixture, tuples: [] });
  for (const contextual of [tuples, tuples.toReversed()]) {
    await ask(
      stored,
      bare,
      items.map((item) => ({ ...item, contextual })),
    );
  }
}

const graphBytesMax = 64 * 1024 * 1024;

/** A service with resident graphs that is closed when the test ends. */
export async function opened(path = ':memory:'): Promise<TestService> {
  const service = await openService({ path, graphBytesMax });
  onTestFinished(() => service.close());
  return service;
}

/** Reads the store, and waits until it is in memory. */
export async function warm({ datastore, settled }: TestService, store: StoreId): Promise<void> {
  datastore.local.view(store, () => undefined);
  await settled();
}

/** A path in a folder that is removed when the test ends. */
export function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pemba-advisories-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'pemba.db');
}

export async function writeModel(
  service: TestService,
  store: string,
  model: ModelText,
): Promise<string> {
  const definition =
    typeof model === 'string' ? ((await modelFromDsl(model)) as JsonObject) : model;
  const written = await service.ask('WriteAuthorizationModel', { store_id: store, ...definition });
  return written.body.authorization_model_id;
}

/** A new store with the fixture's models and tuples, in memory since the first of them. */
export async function filled(
  service: TestService,
  fixture: Pick<Fixture, 'model' | 'olderModel' | 'tuples' | 'raw'>,
): Promise<StoreId> {
  const created = await service.ask('CreateStore', { name: 'advisory' });
  const store: string = created.body.id;
  if (!isStoreId(store)) throw new Error('a store has an id');
  await writeModel(service, store, fixture.olderModel ?? fixture.model);
  await warm(service, store);
  await write(service, store, fixture.tuples ?? []);
  await writeRaw(service.datastore, store, fixture.raw ?? []);
  if (fixture.olderModel !== undefined) await writeModel(service, store, fixture.model);
  return store;
}

export async function write(
  service: TestService,
  store: StoreId,
  tuples: readonly TupleText[],
): Promise<void> {
  for (let at = 0; at < tuples.length; at += limits.tuplesPerWriteMax) {
    const tuple_keys = tuples.slice(at, at + limits.tuplesPerWriteMax).map(wireTuple);
    await service.ask('Write', { store_id: store, writes: { tuple_keys } });
  }
}

export async function writeRaw(
  datastore: Datastore,
  store: StoreId,
  tuples: readonly TupleText[],
): Promise<void> {
  if (tuples.length === 0) return;
  const writes = tuples.map(tupleOf);
  await datastore.write(store, { deletes: [], writes, onDuplicate: 'error', onMissing: 'error' });
}

export async function ask(
  service: TestService,
  store: string,
  items: readonly Item[],
): Promise<void> {
  const expected = items.map((item) => item.expected);
  const named = (answers: readonly string[]) =>
    answers.map((answer, i) => `${i} ${items[i]?.check}: ${answer}`);
  const one = (item: Item) => answerOf(service, store, item);
  const alone: string[] = [];
  for (const item of items) alone.push(await one(item), await one(item));
  const twice = expected.flatMap((answer) => [answer, answer]);
  expect(alone, 'one after the other, each twice').toEqual(twice);
  expect(named(await Promise.all(items.map(one))), 'at once').toEqual(named(expected));
  expect(named(await batch(service, store, items)), 'in a batch').toEqual(named(expected));
  const backwards = await batch(service, store, items.toReversed());
  expect(named(backwards.toReversed()), 'in a batch, backwards').toEqual(named(expected));
  await everyOtherWay(service, store, items);
}

export async function answerOf(service: TestService, store: string, item: Item): Promise<string> {
  try {
    const { body } = await service.ask('Check', { store_id: store, ...question(item) });
    return body.allowed === true ? 'allowed' : 'denied';
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === undefined) throw error;
    return code;
  }
}

export async function batch(
  service: TestService,
  store: string,
  items: readonly Item[],
): Promise<string[]> {
  const answers: string[] = [];
  for (let at = 0; at < items.length; at += limits.batchChecksMax) {
    const part = items.slice(at, at + limits.batchChecksMax);
    const checks = part.map((item, i) => ({ ...question(item), correlation_id: `q${i}` }));
    const { body } = await service.ask('BatchCheck', { store_id: store, checks });
    for (const i of part.keys()) {
      const { allowed, error } = body.result[`q${i}`];
      answers.push(
        error === undefined
          ? allowed === true
            ? 'allowed'
            : 'denied'
          : (error.input_error ?? error.internal_error),
      );
    }
  }
  return answers;
}

function question({ check, context, contextual }: Item): JsonObject {
  return {
    tuple_key: tupleKey(check),
    ...(context === undefined ? {} : { context }),
    ...(contextual === undefined
      ? {}
      : { contextual_tuples: { tuple_keys: contextual.map(wireTuple) } }),
  };
}
