/** Tuple files: the four formats say the same, and every bad line is found where it is. */
import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  checkTuples,
  readEntries,
  readTuples,
  type TupleFormat,
  tupleFormatOf,
  tupleFormats,
  tupleWriter,
} from '../../cli/files/tuple-file.ts';
import type { WireTuple } from '../../cli/wire.ts';
import { limits } from '../../src/base/limits.ts';
import { folderOf } from './run.ts';

const tuples: readonly WireTuple[] = [
  { user: 'user:anne', relation: 'viewer', object: 'document:1' },
  { user: 'group:eng#member', relation: 'viewer', object: 'document:1' },
  { user: 'user:*', relation: 'viewer', object: 'document:public' },
  { user: 'user:"quoted",comma', relation: 'viewer', object: 'document:a|b' },
  { user: 'user:émile-日本-🦊', relation: 'viewer', object: 'document:ünïcode' },
  { user: 'user:bob', relation: 'viewer', object: 'document:2', condition: { name: 'plain' } },
  {
    user: 'user:bob',
    relation: 'viewer',
    object: 'document:3',
    condition: {
      name: 'in_office',
      context: {
        ips: ['10.0.0.1', '::1'],
        until: '2026-01-01T00:00:00Z',
        deep: { n: 1.5, no: null },
      },
    },
  },
  {
    user: 'user:temp',
    relation: 'viewer',
    object: 'document:2',
    expires_at: '2030-01-31T12:00:00Z',
  },
  {
    user: 'user:temp',
    relation: 'viewer',
    object: 'document:3',
    condition: { name: 'plain' },
    expires_at: '2030-01-31T12:00:00.5+02:00',
  },
  { user: 'user:true', relation: 'viewer', object: 'document:null' },
];

async function read(file: string, format: TupleFormat): Promise<WireTuple[]> {
  const found: WireTuple[] = [];
  for await (const { tuple } of readTuples(file, format)) found.push(tuple);
  return found;
}

async function faults(file: string): Promise<[line: number, fault: string][]> {
  const found: [number, string][] = [];
  for await (const entry of readEntries(file, tupleFormatOf(file))) {
    if ('fault' in entry) found.push([entry.line, entry.fault]);
  }
  return found;
}

describe.each(tupleFormats)('%s', (format) => {
  test('reads what it wrote, in pages or at once', async () => {
    using folder = folderOf({});
    const file = folder.file(`tuples.${format}`);
    for (const pages of [[tuples], [tuples.slice(0, 3), [], tuples.slice(3)]]) {
      const writer = await tupleWriter(format, true);
      const text = pages.map((page) => writer.page(page)).join('');
      writeFileSync(file, writer.begin + text + writer.end);
      expect(await read(file, tupleFormatOf(file))).toEqual(tuples);
      expect(await checkTuples(file, format)).toBe(tuples.length);
    }
  });

  test('reads it with a byte order mark, CRLF and no last line end too', async () => {
    using folder = folderOf({});
    const file = folder.file(`tuples.${format}`);
    const writer = await tupleWriter(format, true);
    const text = writer.begin + writer.page(tuples) + writer.end;
    writeFileSync(file, `\ufeff${text.trimEnd().replaceAll('\n', '\r\n')}`);
    expect(await read(file, format)).toEqual(tuples);
  });

  test('a file with no tuple is a fault', async () => {
    using folder = folderOf({});
    const file = folder.file(`tuples.${format}`);
    const writer = await tupleWriter(format, true);
    writeFileSync(file, `${writer.begin}${writer.page([])}${writer.end}`);
    await expect(checkTuples(file, format)).rejects.toThrow(/holds no tuple|must be a list/);
  });
});

test('what `tuple read --json` prints is a tuple file', async () => {
  const records = tuples.map((key) => ({ key, timestamp: '2026-01-01T00:00:00Z' }));
  using folder = folderOf({ 'tuples.json': JSON.stringify({ tuples: records }) });
  expect(await read(folder.file('tuples.json'), 'json')).toEqual(tuples);
});

test('a jsonl file: each bad line by its number, the good ones read', async () => {
  const good = JSON.stringify(tuples[0]);
  using folder = folderOf({
    'bad.jsonl': [
      good,
      '{"user": "user:anne", "relation": "viewer"',
      '',
      '{"user": "user:anne", "relation": "viewer"}',
      '["user:anne", "viewer", "document:1"]',
      '{"user": "user:anne", "relation": "viewer", "object": "document:1", "conditon": {}}',
      '{"user": "user:anne", "relation": "viewer", "object": "document:1", "condition": {"context": {}}}',
      '{"user": 7, "relation": "viewer", "object": "document:1"}',
      good,
    ].join('\n'),
  });
  expect((await faults(folder.file('bad.jsonl'))).map(([line]) => line)).toEqual([
    2, 4, 5, 6, 7, 8,
  ]);
  await expect(checkTuples(folder.file('bad.jsonl'), 'jsonl')).rejects.toThrow(
    /^6 bad tuples\n.*bad\.jsonl:2: is not JSON/,
  );
});

test('a csv file: wrong counts, empty fields and bad contexts by their lines', async () => {
  const header =
    'user_type,user_id,user_relation,relation,object_type,object_id,condition_name,condition_context';
  using folder = folderOf({
    'bad.csv': [
      header,
      'user,anne,,viewer,document,1,,',
      'user,anne,,viewer,document',
      '',
      'user,,,viewer,document,1,,',
      'user,anne,,viewer,document,2,in_office,"{""ip"":\n""10.0.0.1""}"',
      'user,anne,,viewer,document,1,in_office,"{ip:\n\n1}"',
      'user,anne,,viewer,document,1,,"{""ip"": 1}"',
    ].join('\n'),
  });
  const found = await faults(folder.file('bad.csv'));
  expect(found.map(([line]) => line)).toEqual([3, 5, 8, 11]);
  expect(found.map(([, fault]) => fault.slice(0, 20))).toEqual([
    '5 fields where the h',
    'the field `user_id` ',
    '`condition_context` ',
    'a `condition_context',
  ]);
});

test.each([
  [
    'an unknown column',
    'user_type,user_id,relation,object_type,object_id,colour\n',
    /:1: unknown column `colour`/,
  ],
  [
    'a missing column',
    'user_type,user_id,relation,object_type\n',
    /:1: the column `object_id` is missing/,
  ],
  [
    'a column twice',
    'user_type,user_id,relation,object_type,object_id,user_id\n',
    /:1: the column `user_id` stands twice/,
  ],
  [
    'an open quote',
    'user_type,user_id,relation,object_type,object_id\nuser,"anne,viewer,document,1\n',
    /:\d: Quote Not Closed/,
  ],
])('a csv file with %s', async (_, text, message) => {
  using folder = folderOf({ 'tuples.csv': text });
  await expect(checkTuples(folder.file('tuples.csv'), 'csv')).rejects.toThrow(message);
});

test('columns in any order, the optional ones left out', async () => {
  using folder = folderOf({
    'tuples.csv': 'object_id,object_type,relation,user_id,user_type\n1,document,viewer,anne,user\n',
  });
  expect(await read(folder.file('tuples.csv'), 'csv')).toEqual([tuples[0]]);
});

test.each(['json', 'yaml'])('a bad entry of a %s file by its line', async (extension) => {
  const text = `[
    {"user": "user:anne", "relation": "viewer", "object": "document:1"},
    {
      "user": "user:anne", "object": "document:1"},
    3
  ]`;
  using folder = folderOf({ [`bad.${extension}`]: text });
  expect((await faults(folder.file(`bad.${extension}`))).map(([line]) => line)).toEqual([3, 5]);
});

test.each([
  ['json', '[\n{"user": }\n]', /:2: is not JSON/],
  ['json', '[\n{"user": "user:anne"},\n{"user" "user:bob"},\n\n]', /:3: is not JSON/],
  ['json', '[\n{"user": "user:anne"},\n\n', /:4: is not JSON/],
  ['yaml', '- user: a\n  relation: [\n', /bad\.yaml:\d: is not YAML/],
  ['yaml', '- &a [*a, *a]\n', /bad\.yaml/],
  ['json', '{"user": "user:anne"}', /:1: must be a list of tuples/],
])('a %s file that is broken as a whole', async (extension, text, message) => {
  using folder = folderOf({ [`bad.${extension}`]: text });
  const format = extension as TupleFormat;
  await expect(checkTuples(folder.file(`bad.${extension}`), format)).rejects.toThrow(message);
});

test.each(tupleFormats)('bytes that are no UTF-8 in a %s file, by their line', async (format) => {
  using folder = folderOf({});
  const file = folder.file(`tuples.${format}`);
  const writer = await tupleWriter(format, true);
  const text = writer.begin + writer.page(tuples) + writer.end;
  const bytes = Buffer.from(text);
  const at = bytes.indexOf('émile') + 1;
  bytes[at] = 0x20;
  writeFileSync(file, bytes);
  const line = text.slice(0, text.indexOf('émile')).split('\n').length;
  await expect(checkTuples(file, format)).rejects.toThrow(`:${line}: is not UTF-8 text`);
});

test('an absent file, a folder, and an ending that names no format', async () => {
  using folder = folderOf({});
  await expect(checkTuples(folder.file('no.csv'), 'csv')).rejects.toThrow('there is no such file');
  await expect(checkTuples(folder.path, 'csv')).rejects.toThrow('is not a regular file');
  expect(() => tupleFormatOf('tuples.txt')).toThrow(/ends in none of/);
});

test('a line that is too long is refused before it fills the memory', async () => {
  using folder = folderOf({ 'long.jsonl': `\n{"user": "${'x'.repeat(1_200_000)}` });
  await expect(checkTuples(folder.file('long.jsonl'), 'jsonl')).rejects.toThrow(
    /:2: is longer than 1048576 bytes/,
  );
});

test.each([
  [limits.inputLineBytesMax - 1, true],
  [limits.inputLineBytesMax, true],
  [limits.inputLineBytesMax + 1, false],
])('a line of %d bytes passes: %s, wherever in the file it is', async (bytes, passes) => {
  const tuple = { ...tuples[0], condition: { name: 'c', context: { note: '' } } };
  tuple.condition.context.note = 'x'.repeat(bytes - JSON.stringify(tuple).length);
  const line = JSON.stringify(tuple);
  const short = `${JSON.stringify(tuples[0])}\n`;
  for (const text of [line, `${line}\n`, `${short}${line}\n${short.repeat(2_000)}`]) {
    using folder = folderOf({ 'long.jsonl': text });
    const checked = checkTuples(folder.file('long.jsonl'), 'jsonl');
    if (passes) await checked;
    else await expect(checked).rejects.toThrow('is longer than');
  }
});
