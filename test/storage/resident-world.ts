/**
 * A small world to compare a resident graph with: all that a snapshot can be asked of it, as plain
 * data, and a datastore in memory whose SQLite can be asked past its graphs.
 */
import type Database from 'better-sqlite3';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import type { StoreId } from '../../src/model/ids.ts';
import type { Snapshot } from '../../src/storage/datastore.ts';
import type { ResidencyBounds } from '../../src/storage/resident/residency.ts';
import { type BaseHost, baseHostHere } from '../../src/storage/sqlite/base-host.ts';
import { openDatabase } from '../../src/storage/sqlite/database.ts';
import { createDatastore, type SqliteDatastore } from '../../src/storage/sqlite/open.ts';
import { createQueue, type WriterHost } from '../../src/storage/sqlite/queue.ts';
import { createSnapshots } from '../../src/storage/sqlite/snapshot.ts';
import { createTexts } from '../../src/storage/sqlite/texts.ts';
import { createReading } from '../../src/storage/sqlite/view.ts';
import { hostHere } from '../../src/storage/sqlite/writer-host.ts';
import { drain, takenIds } from './fixtures.ts';

export const types = ['doc', 'group', 'user'];
export const relations = ['viewer', 'member', ''];
export const names = ['1', '*', 'A', 'a'];

/** All that can be asked about the names above. */
export function dumpOf(snapshot: Snapshot): string {
  const lines: string[] = [`revision ${snapshot.revision}, model ${snapshot.latestModelId()}`];
  const typeIds = types.map((type) => snapshot.symbol(type));
  const relationIds = relations.map((name) => (name === '' ? 0 : snapshot.symbol(name)));
  lines.push(`symbols ${typeIds} ${relationIds}`);
  const entities = typeIds.flatMap((type) => names.map((name) => snapshot.entity(type, name)));
  lines.push(`entities ${entities}`);
  const known = entities.filter((entity) => entity !== 0);
  lines.push(`ids ${snapshot.idsOf(known)}, taken ${takenIds(snapshot, known)}`);
  for (const entity of entities) {
    if (entity === 0) continue;
    const { type, id } = snapshot.entityRef(entity);
    lines.push(`${entity} is ${type}:${id}`);
    for (const relation of relationIds.slice(0, 2)) {
      for (const type of typeIds) {
        for (const other of relationIds) {
          const named = `${entity} ${relation} ${type} ${other}`;
          const forward = drain((after) => snapshot.subjects(entity, relation, type, other, after));
          const backward = drain((after) => snapshot.objects(entity, other, relation, type, after));
          lines.push(`${named}: ${forward.entities}|${forward.guards}`);
          lines.push(`${named}: ${backward.entities}|${backward.guards}`);
        }
        for (const subject of entities) {
          const guard = snapshot.find(entity, relation, subject, 0);
          if (guard > 0) lines.push(JSON.stringify(snapshot.guard(guard)));
          lines.push(`${entity} ${relation} ${subject}: ${guard}`);
        }
      }
    }
  }
  return lines.join('\n');
}

export interface BothWays {
  readonly database: Database.Database;
  readonly datastore: SqliteDatastore;
  /** What SQLite alone shows of the store. */
  stored<Result>(store: StoreId, read: (snapshot: Snapshot) => Result): Result;
}

export interface BothOptions {
  readonly clock: Clock;
  readonly graphBytesMax?: number;
  readonly graphBounds?: Partial<ResidencyBounds>;
  readonly onFault?: (error: unknown) => void;
  readonly host?: (host: WriterHost) => WriterHost;
  readonly bases?: (bases: BaseHost) => BaseHost;
}

export function openBoth(options: BothOptions): BothWays {
  const database = openDatabase(':memory:');
  const reading = createReading(database);
  const bases = baseHostHere(database, reading);
  const here = hostHere(database);
  const host = options.host?.(here) ?? here;
  const datastore = createDatastore(
    {
      database,
      reading,
      bases: options.bases?.(bases) ?? bases,
      writing: (audience) => createQueue(host, options.clock, audience),
    },
    {
      graphBytesMax: 1024 * 1024,
      onFault: (error) => {
        throw error;
      },
      ...options,
    },
  );
  onTestFinished(() => datastore.close());
  const openSnapshot = createSnapshots(database, createTexts(database));
  return {
    database,
    datastore,
    stored: (store, read) => reading.inStore(store, (view) => read(openSnapshot(view).snapshot)),
  };
}
