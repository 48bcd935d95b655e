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
    `import { open, Refusal } from 'pemba';
     const pemba = await open(':memory:');
     const store = await pemba.createStore('packed');
     await store.writeModel('model\\n  schema 1.1\\ntype user\\ntype document\\n  relations\\n    define viewer: [user]\\n');
     await store.write({ writes: [{ subject: 'user:anne', relation: 'viewer', object: 'document:1' }] });
     const ask = (subject) => store.check({ subject, relation: 'viewer', object: 'document:1' }).kind;
     console.log(ask('user:anne'), ask('user:bob'));
     const listed = await store.listObjects({ subject: 'user:anne', relation: 'viewer', type: 'document' });
     const named = await store.listSubjects({ object: 'document:1', relation: 'viewer', kind: 'user' });
     const { outcome } = store.explain({ subject: 'user:bob', relation: 'viewer', object: 'document:1' });
     const stored = [];
     for await (const { tuple } of store.read()) stored.push(tuple.subject);
     for await (const { kind } of store.changes()) stored.push(kind);
     const deleted = await store.deleteTuples({ object: 'document:1' });
     const code = await store.write({}).catch((error) => error instanceof Refusal && error.code);
     console.log(JSON.stringify([listed.objects, named.subjects, outcome, stored, deleted, code]));
     await pemba.close();`,
  );
  const [checks, rest] = run(process.execPath, ['check.js'], folder).trim().split('\n');
  expect(checks).toBe('allowed denied');
  expect(JSON.parse(rest ?? '')).toEqual([
    ['document:1'],
    [{ subject: 'user:anne', except: [] }],
    'denied',
    ['user:anne', 'write'],
    1,
    'invalid_write_input',
  ]);

  // The types that a program compiles against are there, and are right.
  const typed = `import { open, type Verdict } from 'pemba';
    const pemba = await open(':memory:');
    const verdict: Verdict = pemba.store('x').check({ subject: 'a:b', relation: 'c', object: 'd:e' });
    // @ts-expect-error: a question has a subject
    pemba.store('x').check({ relation: 'c', object: 'd:e' });
    console.log(verdict.kind);`;
  writeFileSync(join(folder, 'typed.ts'), typed);
  const tsc = join(root, 'node_modules/.bin/tsc');
  const options = '--noEmit --strict --module nodenext --target esnext --types node'.split(' ');
  const roots = ['--typeRoots', join(root, 'node_modules/@types')];
  run(tsc, [...options, ...roots, '--skipLibCheck', 'typed.ts'], folder);

  writeFileSync(
    join(folder, 'identity.js'),
    `import { readFileSync } from 'node:fs';
     import { identity } from 'pemba/identity';
     const file = identity(readFileSync('node_modules/pemba/schemas/saas.identity.yaml', 'utf8'));
     const claims = { iss: 'https://idp.example.com/', sub: 'anne', org_id: 'acme' };
     console.log(file.contextual(claims, { authority: 'union' }).contextualTuples[0].object);`,
  );
  expect(run(process.execPath, ['identity.js'], folder).trim()).toBe('tenant:acme');

  // The frameworks themselves are not there, and need not be.
  for (const framework of ['express', 'fastify', 'hono']) {
    const middleware = `import { checkOverHttp, requirePermission } from 'pemba/${framework}';
      const check = checkOverHttp({ url: 'https://fga.example.com', storeId: '01J00000000000000000000000' });
      console.log(typeof requirePermission({ check }, { relation: 'viewer', object: () => 'document:1' }));`;
    writeFileSync(join(folder, `${framework}.js`), middleware);
    expect(run(process.execPath, [`${framework}.js`], folder).trim()).toBe('function');
  }
});

function run(command: string, args: string[], cwd: string): string {
  const done = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (done.status !== 0)
    throw new Error(`${command} ${args.join(' ')}: ${done.stdout}${done.stderr}`);
  return done.stdout;
}
