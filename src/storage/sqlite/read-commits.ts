/** Reads what was committed after a resident graph's newest revision, from the changelog. */
import type Database from 'better-sqlite3';
import type { ModelId } from '../../model/ids.ts';
import type { Commit, ResidentGraph, TupleChange } from '../resident/graph.ts';
import { unpackChanges } from './change-pack.ts';
import { createEntityNames } from './entity-names.ts';
import type { StoreView } from './view.ts';

export type ReadCommits = (
  view: StoreView,
  graph: ResidentGraph,
  changesMax: number,
) => readonly Commit[] | undefined;

export function createCommitReads(database: Database.Database): ReadCommits {
  const readSymbols = database
    .prepare<number[], [number, string]>(
      'SELECT id, text FROM symbol WHERE store = +? AND id > +? ORDER BY id',
    )
    .raw();
  const names = createEntityNames(database);
  const readChanges = database
    .prepare<number[], [number, Buffer]>(
      `SELECT revision, pack FROM change
       WHERE store = +? AND revision > +? AND revision <= +?
       ORDER BY revision, position`,
    )
    .raw();
  const readModels = database
    .prepare<number[], [number, ModelId]>(
      'SELECT revision, id FROM model WHERE store = +? AND revision > +? AND revision <= +?',
    )
    .raw();
  const countChanges = database
    .prepare<number[], number | null>(
      'SELECT sum(count) FROM change WHERE store = +? AND revision = +?',
    )
    .pluck();

  /** The last revision with which no more than so many changes are read, one revision at least. */
  function lastWithin(store: number, after: number, head: number, changesMax: number): number {
    let changes = 0;
    for (let revision = after + 1; revision < head; revision++) {
      changes += countChanges.get(store, revision) ?? 0;
      if (changes >= changesMax) return revision;
    }
    return head;
  }

  return ({ key, revision: head }, graph, changesMax) => {
    if (key !== graph.base.incarnation) return undefined;
    const { revision: after, entities, symbols } = graph.horizon;
    if (head === after) return [];
    const last = lastWithin(key, after, head, changesMax);
    const changes = Array.from({ length: last - after }, (): TupleChange[] => []);
    for (const [revision, pack] of readChanges.iterate(key, after, last)) {
      for (const change of unpackChanges(pack)) changes[revision - after - 1]?.push(change);
    }
    const models = new Map(readModels.all(key, after, last));
    // Those of all revisions come with the first: nothing refers to one before its own.
    const first = {
      symbols: readSymbols.all(key, symbols).map(([symbol, text]) => ({ symbol, text })),
      entities: [...names.after(key, entities)].map(({ id: entity, type, name }) => ({
        ...{ entity, type, name },
      })),
    };
    const none = { symbols: [], entities: [] };
    return changes.map((each, at) => ({
      ...(at === 0 ? first : none),
      revision: after + 1 + at,
      changes: each,
      model: models.get(after + 1 + at),
    }));
  };
}
