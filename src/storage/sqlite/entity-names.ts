/** The names of entities by their ids, in blocks (name-block.ts). By their names they are in `entity_by_name`. */
import type Database from 'better-sqlite3';
import { assert } from '../../base/assert.ts';
import { NamePacker, NameWalk } from './name-block.ts';

/** An entity as it is added. */
export interface NamedEntity {
  readonly id: number;
  readonly type: number;
  readonly name: string;
}

/** id of its first name, and the names */
type Block = [first: number, names: Buffer];

/** The block in which an id is, or would be added. Parameters have a plus for the reason given in snapshot.ts. */
const findBlock = `SELECT first, names FROM entity_by_id WHERE store = +? AND first <= +?
  ORDER BY first DESC LIMIT 1`;

export interface EntityNames {
  /** At the entity; undefined where there is none of this id. */
  at(store: number, id: number): NameWalk | undefined;
  /** Those of greater ids, in the order of their ids. */
  after(store: number, id: number): Generator<NamedEntity>;
}

export function createEntityNames(database: Database.Database): EntityNames {
  const find = database.prepare<number[], Block>(findBlock).raw();
  const follow = database
    .prepare<number[], Block>(
      'SELECT first, names FROM entity_by_id WHERE store = +? AND first >= +? ORDER BY first',
    )
    .raw();

  return {
    at(store, id) {
      const [first, names] = find.get(store, id) ?? [id, undefined];
      if (names === undefined) return undefined;
      const walk = new NameWalk(names);
      for (let at = first; at <= id; at++) if (!walk.next()) return undefined;
      return walk;
    },
    *after(store, id) {
      const [from] = find.get(store, id + 1) ?? [id + 1];
      for (const [first, names] of follow.iterate(store, from)) {
        const walk = new NameWalk(names);
        for (let at = first; walk.next(); at++) {
          if (at > id) yield { id: at, type: walk.type, name: walk.name() };
        }
      }
    },
  };
}

/** Adds what a transaction has added to a store. REQUIRES: ids in order, from the next one on. */
export type AddNames = (store: number, entities: readonly NamedEntity[]) => void;

export function createNaming(database: Database.Database): AddNames {
  const find = database.prepare<number[], Block>(findBlock).raw();
  const put = database.prepare(
    'INSERT OR REPLACE INTO entity_by_id (store, first, names) VALUES (?, ?, ?)',
  );
  const packer = new NamePacker();

  return (store, entities) => {
    let next = entities[0]?.id ?? 0;
    const [open, names] = find.get(store, next) ?? [next, undefined];
    let first = open;
    packer.take();
    if (names !== undefined) packer.goOn(names);
    assert(first + packer.count === next, 'names are added without gaps');
    for (const { id, type, name } of entities) {
      assert(id === next, 'names are added without gaps');
      if (!packer.add(type, name)) {
        put.run(store, first, packer.take());
        first = id;
        packer.add(type, name);
      }
      next = id + 1;
    }
    if (packer.count > 0) put.run(store, first, packer.take());
  };
}
