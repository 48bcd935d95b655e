// The example that the README begins with for identity: it runs, and shows what it promises.
import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { ended } from '../cli/run.ts';

const script = new URL('identity.ts', import.meta.url).pathname;

test('from signing in to allowed because of the group claim', { timeout: 300_000 }, async () => {
  const { PATH, HOME } = process.env;
  const { code, stdout, stderr } = await ended(
    spawn(process.execPath, [script], { env: { PATH, HOME } }),
  );
  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(stdout).toContain('allowed because of the group claim');
  expect(stdout).toContain('tuple   user:anne assignee role:acme/release-manager');
  expect(stdout).toContain('tuple user:anne assignee role:acme/release-manager (contextual)');
  expect(stdout).toContain('--subject-token-file');
  // The folder of its files is named, nothing of the tokens and keys in it.
  expect(stdout).not.toMatch(/eyJ|pemba_[A-Za-z0-9_-]{43}|sha256:/);
});
