/**
 * A datastore whose commits are noted in a history, and begin and end when the schedule says so: a
 * decorator over the real one, by which the seed decides who comes first.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Refusal } from '../../src/base/errors.ts';
import type { Datastore } from '../../src/storage/datastore.ts';
import type { PlainModel } from './facts.ts';
import { again, type Change, gone, type History } from './history.ts';

/** Resolves when the schedule gives the turn. */
export type Turn = (label: string) => Promise<void>;

/** What was held for whoever asks within. */
export const heldRevisions = new AsyncLocalStorage<Set<number>>();

export function recorded(datastore: Datastore, history: History, turn: Turn): Datastore {
  const underWay = new Set<Promise<unknown>>();

  async function commit<Result>(
    change: Change,
    work: () => Promise<Result>,
    saidOf: (result: Result) => number | string,
  ): Promise<Result> {
    await turn(`${change.kind} begins`);
    const noted = history.submit(change);
    const done = history.commits.length;
    try {
      const working = work();
      underWay.add(working);
      const result = await working.finally(() => underWay.delete(working));
      noted.result = saidOf(result);
      await turn(`${change.kind} is acknowledged`);
      history.acknowledged = Math.max(history.acknowledged, done);
      return result;
    } catch (error) {
      noted.result = error instanceof Refusal ? error.code : `${error}`;
      if (error instanceof Error) history.refusals.add(error);
      throw error;
    }
  }
  return {
    ...datastore,
    local: {
      ...datastore.local,
      async hold(store, waitMs) {
        await turn('hold');
        // What is on its way to the disk would else come after, most often.
        await Promise.allSettled(underWay);
        const held = await datastore.local.hold(store, waitMs);
        heldRevisions.getStore()?.add(held.view(({ revision }) => revision));
        // Others write before it is read, most of all what it must not show.
        await turn('held');
        await Promise.allSettled(underWay);
        return held;
      },
      async reach(store, revision, waitMs) {
        await turn('reach');
        return datastore.local.reach(store, revision, waitMs);
      },
    },
    async head(store) {
      await turn('head');
      return datastore.head(store);
    },
    write: (store, write) =>
      commit(
        { kind: 'tuples', write },
        () => datastore.write(store, write),
        ({ revision, repeated }) => (repeated ? again(revision) : revision),
      ),
    deleteTuples: (store, query) =>
      commit(
        { kind: 'deletion', filter: query.filter },
        () => datastore.deleteTuples(store, query),
        ({ deleted, cursor, revision }) => `${gone(deleted, revision)}${cursor}`,
      ),
    writeModel(store, record) {
      const model = modelOf(record.definition);
      const change: Change = { kind: 'model', id: record.id, model };
      return commit(
        change,
        () => datastore.writeModel(store, record),
        (revision) => revision,
      );
    },
    deleteStore: (store) =>
      commit(
        { kind: 'delete' },
        () => datastore.deleteStore(store),
        () => 0,
      ),
  };
}

/** As the world has it: the record leaves out what is empty. */
function modelOf(definition: string): PlainModel {
  const model = JSON.parse(definition) as PlainModel;
  const conditions = Object.entries(model.conditions ?? {}).map(([name, condition]) => [
    name,
    { ...condition, parameters: condition.parameters ?? {} },
  ]);
  const type_definitions = model.type_definitions.map((definition) => {
    const relations = definition.metadata?.relations ?? {};
    return { ...definition, metadata: { relations } };
  });
  return { ...model, type_definitions, conditions: Object.fromEntries(conditions) };
}
