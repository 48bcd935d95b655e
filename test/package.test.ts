// The published package: built, packed, installed into an empty folder, and used from there.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'pemba-package-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the tarball installs, prints its version and answers a check', { timeout: 300_000 }, () => {
  run('npm', ['pack', '--pack-destination', folder], root);
  const [tarball] = readdirSync(folder);
  expect(tarball).toMatch(/^pemba-.*\.tgz$/);

  writeFileSync(join(folder, 'package.json'), '{ "type": "module", "private": true }');
  run(
    'npm',
    ['install', '--no-audit', '--no-fund', '--prefer-offline', join(folder, tarball as string)],
    folder,
  );
  const version = run(
    process.execPath,
    ['node_modules/pemba/dist/cli/main.js', '--version'],
    folder,
  );
  expect(version.trim()).toBe(JSON.parse(run('npm', ['pkg', 'get', 'version'], root)));

  writeFileSync(
    join(folder, 'check.js'),
    `import { open } from 'pemba';
     const pemba = await open(':memory:');
     const store = await pemba.createStore('packed');
     await store.writeModel('model\\n  schema 1.1\\ntype user\\ntype document\\n  relations\\n    define viewer: [user]\\n');
     await store.write({ writes: [{ subject: 'user:anne', relation: 'viewer', object: 'document:1' }] });
     const ask = (subject) => store.check({ subject, relation: 'viewer', object: 'document:1' }).kind;
     console.log(ask('user:anne'), ask('user:bob'));
     await pemba.close();`,
  );
  expect(run(process.execPath, ['check.js'], folder).trim()).toBe('allowed denied');
});

function run(command: string, args: string[], cwd: string): string {
  const done = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (done.status !== 0)
    throw new Error(`${command} ${args.join(' ')}: ${done.stdout}${done.stderr}`);
  return done.stdout;
}
