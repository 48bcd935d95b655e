/** The table of past failures is complete, and says nothing that no test proves. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { standings } from './table.ts';

const root = resolve(import.meta.dirname, '../..');
const numbered = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => `A${String(first + i).padStart(2, '0')}`);
const ids = [...numbered(1, 27), ...numbered(30, 43), ...numbered(50, 63)];
const classes = [
  'stale caches',
  'results cached on cancel',
  'key collisions',
  'sort assumption',
  'missed results',
  'revision order',
  'replicas',
  'deadlocks',
  'hung dependency',
  'leaks',
  'panics',
  'pools and proxies',
  'clocks and GC',
  'limits that are not what they say',
  'condition types',
  'page tokens',
  'rollback',
  'algorithm confusion',
  'algorithms by default',
  'claims that are not required',
  'issuer and audience',
  'key ids and keys in headers',
  'key rotation',
  'unknown key ids',
  'issuer outage',
  'key set content',
  'clock skew',
  'token type',
  'huge tokens',
  'encrypted tokens',
  'tokens as keys of a cache',
  'size of keys',
];

/** The ids before the colon of every title, which may name several, by file. */
const titles = new Map(
  readdirSync(join(root, 'test'), { recursive: true })
    .map((file) => join('test', String(file)))
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => {
      const text = readFileSync(join(root, file), 'utf8');
      const heads = text.matchAll(
        /(?:\b(?:test|it)\(|\)\(|\bname:)\s*['"`]([A-Za-z0-9][A-Za-z0-9, ]*): /g,
      );
      return [
        file,
        new Set([...heads].flatMap(([, head]) => (head as string).split(', '))),
      ] as const;
    }),
);

test('every advisory and every class has its place', () => {
  expect(Object.keys(standings)).toEqual([...ids, ...classes]);
});

test.each(Object.entries(standings))('%s stands as the table says', (id, standing) => {
  if (standing.state === 'tested') {
    expect(standing.in.length).toBeGreaterThan(0);
    for (const file of standing.in) {
      expect(titles.get(file)?.has(id), `${file} has a test \`${id}: …\``).toBe(true);
    }
  } else if (standing.state === 'pending') {
    expect(standing.until.length).toBeGreaterThan(0);
  } else expect(standing.why).not.toBe('');
});

test('a test that carries an id is named in the table', () => {
  for (const [file, found] of titles) {
    for (const id of ids.filter((each) => found.has(each))) {
      const standing = standings[id];
      expect(standing?.state === 'tested' && standing.in.includes(file), `${id} in ${file}`).toBe(
        true,
      );
    }
  }
});
