// The command lines of the long runs: none begins before its options are understood.
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

const runs = {
  random: 'test/oracle/random.ts',
  mutants: 'test/mutants/main.ts',
  crash: 'test/crash/main.ts',
  referee: 'test/referee/main.ts',
  authn: 'test/authn/main.ts',
};

test.each(Object.entries(runs))('%s says which option it does not take', (_, path) => {
  const { status, stderr, stdout } = spawnSync(process.execPath, [path, '--seed', 'x'], {
    encoding: 'utf8',
  });
  expect(stderr).toContain("'--seed <n>' argument 'x' is invalid. Give a whole number from 0 on.");
  expect([status, stdout]).toEqual([2, '']);
});
