// ReadGraphs: what is told of the stores that are answered from memory, and of the others.
import { expect, onTestFinished, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import type { StoreId } from '../../src/model/ids.ts';
import { type Graphs, noGraphs, type Place } from '../../src/storage/graphs.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import { driveModel, openService, serviceOver, testClock, tupleKey } from './harness.ts';

const idOf = (number: number) => `01ARZ3NDEKTSV4RRFF${String(number).padStart(8, '0')}` as StoreId;

const nowhere = { bytes: '0', tuples: '0', changes: '0', reason: 'PLACE_REASON_UNSPECIFIED' };

test('a store is not read, then in memory, and gone when it is deleted', async () => {
  const clock = testClock();
  const datastore = await openSqlite({ path: ':memory:', clock, graphBytesMax: 1_000_000 });
  const service = serviceOver(datastore, clock, { graphs: datastore.graphs });
  onTestFinished(() => service.close());
  const store = (await service.ask('CreateStore', { name: 'drive' })).body.id;
  const empty = { bytes_max: '1000000', bytes: '0', graphs: [] };
  expect((await service.ask('ReadGraphs', {})).body).toMatchObject({ ...empty, stores_loading: 0 });
  const notRead = { ...nowhere, place: 'PLACE_STORAGE', reason: 'PLACE_REASON_NOT_READ' };
  const only = async () => (await service.ask('ReadGraphs', { store_id: store })).body.graphs;
  expect(await only()).toEqual([{ store_id: store, ...notRead }]);

  await service.ask('WriteAuthorizationModel', { store_id: store, ...driveModel });
  const tuple_keys = [tupleKey('document:1#viewer@user:anne')];
  await service.ask('Write', { store_id: store, writes: { tuple_keys } });
  const check = { store_id: store, tuple_key: tuple_keys[0] as never };
  await service.ask('Check', check);
  await datastore.graphs.settled();
  await service.ask('Write', { store_id: store, deletes: { tuple_keys } });
  const [graph] = await only();
  expect(graph).toMatchObject({ place: 'PLACE_MEMORY', reason: 'PLACE_REASON_UNSPECIFIED' });
  expect(Number(graph.tuples) + Number(graph.changes)).toBe(2);
  expect(Number(graph.bytes)).toBeGreaterThan(10_000);
  const { body } = await service.ask('ReadGraphs', {});
  expect(body).toMatchObject({ bytes: graph.bytes, stores_in_memory: 1, graphs: [graph] });
  await service.ask('DeleteStore', { store_id: store });
  expect((await service.ask('ReadGraphs', {})).body).toMatchObject(empty);
});

test('every place and reason has its name', async () => {
  const places: Place[] = [
    { kind: 'storage', reason: 'too large' },
    { kind: 'storage', reason: 'gave way' },
    { kind: 'storage', reason: 'failed' },
    { kind: 'loading' },
  ];
  const graphs: Graphs = {
    ...noGraphs,
    places: () => places.map((place, i) => [idOf(i), place]),
  };
  const datastore = await openSqlite({ path: ':memory:', clock: testClock() });
  const service = serviceOver(datastore, testClock(), { graphs });
  onTestFinished(() => service.close());
  const { body } = await service.ask('ReadGraphs', {});
  expect(
    body.graphs.map((each: { place: string; reason: string }) => [each.place, each.reason]),
  ).toEqual([
    ['PLACE_STORAGE', 'PLACE_REASON_TOO_LARGE'],
    ['PLACE_STORAGE', 'PLACE_REASON_GAVE_WAY'],
    ['PLACE_STORAGE', 'PLACE_REASON_FAILED'],
    ['PLACE_LOADING', 'PLACE_REASON_UNSPECIFIED'],
  ]);
});

test('a server without graphs says so', async () => {
  const service = await openService();
  onTestFinished(() => service.close());
  const { body } = await service.ask('ReadGraphs', { store_id: idOf(1) });
  expect(body).toMatchObject({
    bytes_max: '0',
    graphs: [{ place: 'PLACE_STORAGE', reason: 'PLACE_REASON_NOT_READ' }],
  });
});

test('no more than so many stores are listed, and all are counted', async () => {
  const clock = testClock();
  const bytesMax = 1024 * 1024 * 1024;
  const datastore = await openSqlite({ path: ':memory:', clock, graphBytesMax: bytesMax });
  const service = serviceOver(datastore, clock, { graphs: datastore.graphs });
  onTestFinished(() => service.close());
  for (let number = 1; number <= limits.graphsListedMax + 1; number++) {
    const store = idOf(number);
    await datastore.writeAssertions(store, '01ARZ3NDEKTSV4RRFFQ69G5FAV' as never, '[]');
    datastore.local.view(store, () => undefined);
    await datastore.graphs.settled();
    if (Math.abs(number - limits.graphsListedMax) > 1) continue;
    const { body } = await service.ask('ReadGraphs', {});
    expect(body.stores_in_memory).toBe(number);
    expect(body.graphs).toHaveLength(Math.min(number, limits.graphsListedMax));
    expect(body.graphs[0].store_id).toBe(store);
  }
});
