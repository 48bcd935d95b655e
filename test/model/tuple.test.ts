// The spelling of objects, subjects and tuples.
import { expect, test } from 'vitest';
import { formatTuple, parseObject, parseSubject } from '../../src/model/tuple.ts';

test.each([
  ['document:1', 'document', '1'],
  ['document:*', 'document', '*'],
  ['document:a@b|c/d,"e"', 'document', 'a@b|c/d,"e"'],
  // White space is ASCII's: what only looks like a space is part of the id.
  ['document:a\u00a0b', 'document', 'a\u00a0b'],
  ['document:\u05d0\u200f\u{1f600}', 'document', '\u05d0\u200f\u{1f600}'],
])('%j is an object', (text, type, id) => {
  expect(parseObject(text)).toEqual({ type, id });
  expect(parseSubject(text)).toEqual({ type, id, relation: '' });
});

test.each([
  '',
  ':',
  'document',
  'document:',
  ':1',
  'document:1:2',
  'document:1#viewer',
  'document:a b',
  'document:a\tb',
  'document:a\u0000b',
  'docu\u007fment:1',
  'document:a\u0085b',
])('%j is no object', (text) => {
  expect(parseObject(text)).toBeUndefined();
});

test.each([
  'group:eng#',
  'group:*#member',
  'group:eng#a#b',
  'group:eng#a b',
  'group:eng#a@b',
  'group:eng#a:b',
  'group#member',
])('%j is no subject', (text) => {
  expect(parseSubject(text)).toBeUndefined();
});

test('a text is read the same whatever was read before it', () => {
  const types = [
    'document',
    'documents',
    'docu',
    'doc',
    'domain',
    'do',
    'd',
    'dox',
    'x'.repeat(254),
  ];
  const ends = ['', ':', ':1', '1', ' :1', '#:1', '::1', '\u0085:1', ':a#b', ':1 '];
  const texts = types.flatMap((type) => ends.map((end) => type + end));
  // Every one after every other.
  for (const before of texts) {
    for (const text of texts) {
      parseObject(before);
      const read = parseObject(text);
      const [, type, id] = /^([^:# \u0085]+):([^:# \u0085]+)$/u.exec(text) ?? [];
      expect(read).toEqual(id === undefined ? undefined : { type, id });
      if (id !== undefined) expect(parseSubject(text)).toEqual({ type, id, relation: '' });
    }
  }
});

test('a tuple is spelled with its condition', () => {
  const object = { type: 'document', id: '1' };
  const subject = { type: 'group', id: 'eng', relation: 'member' };
  const bare = { object, relation: 'viewer', subject };
  expect(formatTuple(bare)).toBe('document:1#viewer@group:eng#member');
  expect(formatTuple({ ...bare, condition: { name: 'c', context: {} } })).toBe(
    'document:1#viewer@group:eng#member (condition c)',
  );
});
