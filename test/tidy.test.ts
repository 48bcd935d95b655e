// The rules of the house that no compiler knows: layers, banned words, sizes, files nobody uses.
// The layer rules themselves are in biome.json; here is the proof that they can fail.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const sources = ['src', 'cli', 'bench', 'test']
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true }).map((file) => join(folder, String(file))),
  )
  .filter((file) => file.endsWith('.ts') && !file.startsWith(join('src', 'gen')));
const textOf = (file: string) => readFileSync(join(root, file), 'utf8');

describe('layers', () => {
  let tree: string;
  beforeAll(() => {
    tree = mkdtempSync(join(tmpdir(), 'pemba-layers-'));
    const config = JSON.parse(textOf('biome.json'));
    // The planted tree is no repository.
    config.vcs.enabled = false;
    writeFileSync(join(tree, 'biome.json'), JSON.stringify(config));
    cpSync(join(root, 'src'), join(tree, 'src'), { recursive: true });
  });
  afterAll(() => rmSync(tree, { recursive: true, force: true }));

  const planted: [where: string, what: string][] = [
    ['src/base/planted.ts', '../model/tuple.ts'],
    ['src/model/planted.ts', '../storage/datastore.ts'],
    ['src/model/planted.ts', 'node:fs'],
    ['src/model/planted.ts', '@bufbuild/protobuf'],
    ['src/storage/planted.ts', '../engine/check.ts'],
    ['src/storage/planted.ts', './sqlite/open.ts'],
    ['src/storage/planted.ts', './resident/graph.ts'],
    ['src/storage/resident/planted.ts', '../sqlite/open.ts'],
    ['src/storage/resident/planted.ts', '../../engine/check.ts'],
    ['src/storage/resident/planted.ts', 'better-sqlite3'],
    ['src/storage/sqlite/planted.ts', '../../service/call.ts'],
    ['src/engine/planted.ts', '../service/call.ts'],
    ['src/engine/planted.ts', '../storage/sqlite/open.ts'],
    ['src/engine/planted.ts', 'node:crypto'],
    ['src/engine/planted.ts', 'better-sqlite3'],
    ['src/service/planted.ts', '../server/start.ts'],
    ['src/service/planted.ts', '@grpc/grpc-js'],
    ['src/server/planted.ts', '../storage/sqlite/open.ts'],
    ['src/server/planted.ts', '../../cli/main.ts'],
    ['src/server/planted.ts', 'jose'],
    ['src/authn/planted.ts', '../model/tuple.ts'],
    ['src/authn/planted.ts', '../service/call.ts'],
    ['src/authn/planted.ts', 'pino'],
    ['src/authn/identity/planted.ts', '../../model/tuple.ts'],
    ['src/model/planted.ts', '@marcbachmann/cel-js'],
    ['src/middleware/planted.ts', '../embed/store.ts'],
    ['src/middleware/planted.ts', '../server/start.ts'],
    ['src/middleware/planted.ts', 'jose'],
    ['src/server/planted.ts', 'express'],
    ['src/authn/planted.ts', 'hono'],
    ['src/server/planted.ts', 'ajv/dist/2020.js'],
  ];
  const numbered = planted.map(
    ([where, what], at) => [where.replace('.ts', `-${at}.ts`), what] as const,
  );
  /** The files in which a forbidden import was found, of all that were planted at once. */
  let found: ReadonlySet<string>;

  test('the tree as it is keeps to them', () => {
    expect(restricted(tree)).toEqual(new Set());
  });

  test('what is planted in it is read', () => {
    for (const [where, what] of numbered) writeFileSync(join(tree, where), `import '${what}';\n`);
    found = restricted(tree);
    for (const [where] of numbered) rmSync(join(tree, where));
    expect(found.size).toBe(planted.length);
  });

  test.each(numbered)('%s may not import %s', (where) => {
    expect(found).toContain(where);
  });

  test('an import cycle is refused', () => {
    writeFileSync(
      join(tree, 'src/base/one.ts'),
      "import { two } from './two.ts';\nexport const one = () => two;\n",
    );
    writeFileSync(
      join(tree, 'src/base/two.ts'),
      "import { one } from './one.ts';\nexport const two = () => one;\n",
    );
    expect(biome(tree, ['src/base/one.ts', 'src/base/two.ts'])).toContain('noImportCycles');
  });
});

describe('words', () => {
  const banned: [word: RegExp, instead: string, allowed: RegExp][] = [
    [/\bDate\.now\(/, 'a Clock', /^(src\/base\/clock\.ts|bench\/|test\/)/],
    [/\bMath\.random\(/, 'a seeded generator', /^$/],
    [
      /\bprocess\.env\b/,
      'the configuration',
      /^(src\/server\/config\.ts|cli\/environment\.ts|test\/|bench\/)/,
    ],
    [/\bas any\b/, 'a type', /^$/],
    [/\b(TODO|FIXME|XXX)\b/, 'the work itself', /^$/],
    [/\b(describe|test|it)\.only\(/, 'all tests', /^$/],
    [/\bdebugger;/, 'nothing', /^$/],
    [/^\s*(export )?enum /m, 'an `as const` table', /^$/],
    [
      /\b(zookie|caveat|tupleKey|resourceType|resourceId)\b/i,
      'the glossary',
      /^(src\/service\/|cli\/|bench\/|test\/)/,
    ],
  ];
  test.each(banned)('%s: use %s instead', (word, _instead, allowed) => {
    const found = sources.filter(
      (file) => file !== 'test/tidy.test.ts' && !allowed.test(file) && word.test(textOf(file)),
    );
    expect(found).toEqual([]);
  });
});

test('no source file is over 400 lines', () => {
  const long = sources.filter(
    (file) => !file.startsWith('test/') && textOf(file).split('\n').length > 401,
  );
  expect(long).toEqual([]);
});

test('every source file is used', () => {
  const entries = [
    ...['src/index.ts', 'src/identity.ts', 'cli/main.ts', 'bench/main.ts'],
    // The entry of a thread.
    'src/server/start-worker.ts',
    ...['express', 'fastify', 'hono'].map((name) => `src/middleware/${name}.ts`),
  ];
  const used = new Set(entries);
  for (const file of sources) {
    for (const [, target] of textOf(file).matchAll(
      /(?:from|import|import\()\s*\(?['"](\.{1,2}\/[^'"]+\.ts)['"]/g,
    )) {
      used.add(relative(root, resolve(root, dirname(file), target as string)));
    }
  }
  const unused = sources.filter((file) => !file.startsWith('test/') && !used.has(file));
  // Programs of their own are started by path.
  expect(unused.filter((file) => !file.startsWith('bench/'))).toEqual([]);
});

test('nothing that is tracked names a path of a build machine', () => {
  const listed = spawnSync(
    'git',
    [
      'grep',
      '-nIE',
      '(^|[^A-Za-z0-9_.-])/(work|farm)/',
      '--',
      '.',
      ':!package-lock.json',
      ':!test/tidy.test.ts',
    ],
    { cwd: root },
  );
  expect(String(listed.stdout)).toBe('');
});

function biome(tree: string, args: string[]): string {
  const done = spawnSync(join(root, 'node_modules/.bin/biome'), ['lint', ...args], { cwd: tree });
  return String(done.stdout) + String(done.stderr);
}

/** The files of the tree in which an import is forbidden. */
function restricted(tree: string): ReadonlySet<string> {
  const lines = biome(tree, ['src', '--max-diagnostics=none', '--reporter=github']);
  const faults = lines.matchAll(/noRestrictedImports,file=([^,]+),/g);
  return new Set([...faults].map(([, file]) => relative(tree, String(file))));
}
