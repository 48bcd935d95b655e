// A write that fails when its tuples are changed already: nothing of it may be remembered.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDatabase } from '../../src/storage/sqlite/database.ts';
import { verifyFile } from '../../src/storage/sqlite/verify.ts';
import { createWriter } from '../../src/storage/sqlite/writer.ts';
import { storeId, temporaryFolder, writing } from './fixtures.ts';

const store = storeId(1);

test('a key that cannot be kept undoes its write, beside others of the group', () => {
  const path = join(temporaryFolder(), 'pemba.db');
  const database = openDatabase(path);
  const writer = createWriter(database);
  const write = (subject: string, idempotencyKey?: string) => ({
    ...{ kind: 'writeTuples' as const, store },
    write: {
      ...writing(`doc:1#viewer@user:${subject}`),
      ...(idempotencyKey !== undefined && { idempotencyKey }),
    },
  });
  const run = (...commands: ReturnType<typeof write>[]) => writer.run({ at: 1_000, commands });
  expect(run(write('anne'))).toMatchObject([{ value: 1 }]);
  database.exec(`CREATE TRIGGER refuse BEFORE INSERT ON idempotency WHEN NEW.key = 'none'
    BEGIN SELECT RAISE(ABORT, 'not this one'); END`);
  const [failed, next] = run(write('ben', 'none'), write('carl'));
  expect(failed).toMatchObject({ fault: { message: expect.stringContaining('not this one') } });
  expect(next).toMatchObject({ value: 2 });
  expect(run(write('ben', 'some'))).toMatchObject([{ value: 3 }]);
  database.exec('DROP TRIGGER refuse');
  writer.close();
  expect(verifyFile(path).problems).toEqual([]);
});
