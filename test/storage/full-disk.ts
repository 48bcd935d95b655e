/**
 * A process whose files may not grow past a limit set from outside: writes until it is refused, and
 * prints what it was told and what it can still read. Argument: file.
 */
import { systemClock } from '../../src/base/clock.ts';
import { Refusal } from '../../src/base/errors.ts';
import type { StoreId } from '../../src/model/ids.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';

const datastore = await openSqlite({ path: process.argv[2] ?? '', clock: systemClock });
const store = 'A'.repeat(26) as StoreId;
const codes: Record<string, number> = {};
for (let i = 0; i < 40; i++) {
  const writes = Array.from({ length: 100 }, (_, n) => ({
    object: { type: 'doc', id: `${i}` },
    relation: 'viewer',
    subject: { type: 'user', id: `${n}`, relation: '' },
    condition: undefined,
  }));
  const write = { writes, deletes: [], onDuplicate: 'error', onMissing: 'error' } as const;
  const code = await datastore.write(store, write).then(
    () => 'written',
    (error) => (error instanceof Refusal ? error.code : String(error)),
  );
  codes[code] = (codes[code] ?? 0) + 1;
}
const head = await datastore.head(store);
const page = await datastore.readTuples(store, {}, { pageSize: 10_000, cursor: '' });
await datastore.close();
console.log(JSON.stringify({ codes, head, tuples: page.rows.length }));
