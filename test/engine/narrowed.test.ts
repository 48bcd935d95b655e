/** A narrowed reader: to every read it is as if the hidden tuples had never been written. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Narrowing, narrowed } from '../../src/engine/narrowed.ts';
import type { CompiledModel } from '../../src/model/compiled.ts';
import { noTuple, type Run, type TupleReader } from '../../src/storage/tuple-reader.ts';
import { type TupleText, tupleOf, World } from './world.ts';

const model = `
type user
type robot
type group
  relations
    define member: [user, user:*, robot, group#member]
    define lead: [user]
type org
  relations
    define member: [user with given, user]
condition given(token_x: bool, y: bool) {
  token_x && y
}`;

const hidden = {
  subject: { type: 'user', id: 'anne' },
  relations: [
    { type: 'group', relation: 'member' },
    { type: 'gone', relation: 'member' },
    { type: 'group', relation: 'gone' },
  ],
};

async function withNarrowed(
  stored: readonly TupleText[],
  narrowing: Partial<Narrowing>,
  use: (reader: TupleReader, base: TupleReader, compiled: CompiledModel) => void,
): Promise<void> {
  const world = await World.open(model, stored);
  const whole = { hidden: undefined, isReserved: undefined, ...narrowing };
  world.view((base, compiled) => use(narrowed(base, compiled, whole), base, compiled));
  await world.close();
}

/** Every tuple that a reader tells of, by each of its three ways. */
function tuplesIn(reader: TupleReader, stored: readonly string[]) {
  const found: string[] = [];
  const [subjects, objects]: [Set<string>, Set<string>] = [new Set(), new Set()];
  for (const text of stored) {
    const { object, relation, subject } = tupleOf(text);
    const [type, subjectType] = [reader.symbol(object.type), reader.symbol(subject.type)];
    const named = reader.symbol(relation);
    const of = subject.relation === '' ? 0 : reader.symbol(subject.relation);
    const [from, to] = [reader.entity(type, object.id), reader.entity(subjectType, subject.id)];
    if (reader.find(from, named, to, of) !== noTuple) found.push(text);
    const place = `${object.type}:${object.id}#${relation}@`;
    const rest = subject.relation === '' ? '' : `#${subject.relation}`;
    for (const id of idsOf(reader, (after) => reader.subjects(from, named, subjectType, of, after)))
      subjects.add(`${place}${id}${rest}`);
    for (const id of idsOf(reader, (after) => reader.objects(to, of, named, type, after)))
      objects.add(`${id}#${relation}@${subject.type}:${subject.id}${rest}`);
  }
  return { found, subjects: [...subjects].sort(), objects: [...objects].sort() };
}

function idsOf(reader: TupleReader, next: (after: number) => Run): string[] {
  const ids: string[] = [];
  let after = 0;
  do {
    const run = next(after);
    for (let i = run.start; i < run.end; i++) {
      const { type, id } = reader.entityRef(run.entities[i] as number);
      ids.push(`${type}:${id}`);
    }
    after = run.next;
  } while (after !== 0);
  return ids;
}

describe('narrowed', () => {
  it('is the reader itself where there is nothing to leave out', async () => {
    const stored = ['group:g#member@user:bob'];
    for (const narrowing of [{}, { hidden }, { hidden: { ...hidden, relations: [] } }]) {
      await withNarrowed(stored, narrowing, (reader, base) => expect(reader).toBe(base));
    }
  });

  it('shows all but the hidden tuples, whichever way it is read', async () => {
    const many = Array.from({ length: 200 }, (_, i) => `group:g#member@user:u${i}`);
    const pool = [
      ...['group:g#member@user:anne', 'group:h#member@user:anne', 'group:g#member@user:bob'],
      ...['group:g#member@user:*', 'group:g#member@robot:anne', 'group:g#member@group:h#member'],
      ...['group:g#lead@user:anne', 'org:o#member@user:anne', ...many.slice(0, 150)],
    ];
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(pool), async (stored) => {
        await withNarrowed(stored, { hidden }, (reader) => {
          const left = stored.filter((text) => !/^group:.#member@user:anne$/.test(text));
          const sorted = left.toSorted();
          const told = tuplesIn(reader, stored);
          expect(told.found).toEqual(left);
          expect(told.subjects).toEqual(sorted);
          expect(told.objects).toEqual(sorted);
        });
      }),
      { seed: 20_261_122, numRuns: 40 },
    );
  });

  it('keeps the guards beside their subjects', async () => {
    const stored: TupleText[] = [
      'org:o#member@user:anne',
      ['org:o#member@user:bob', 'given', { y: true }],
      'org:o#member@user:carol',
    ];
    const relations = [{ type: 'org', relation: 'member' }];
    const subject = { type: 'user', id: 'anne' };
    await withNarrowed(stored, { hidden: { subject, relations } }, (reader) => {
      const [user, member] = [reader.symbol('user'), reader.symbol('member')];
      const org = reader.entity(reader.symbol('org'), 'o');
      const { entities, guards, start, end } = reader.subjects(org, member, user, 0, 0);
      const shown = Array.from({ length: end - start }, (_, i) => [
        reader.entityRef(entities[start + i] as number).id,
        (guards?.[start + i] ?? 0) > 0,
      ]);
      expect(shown).toEqual([
        ['bob', true],
        ['carol', false],
      ]);
    });
  });

  it('shows stored values but for those of reserved names', async () => {
    const stored: TupleText[] = [['org:o#member@user:bob', 'given', { token_x: true, y: true }]];
    const isReserved = (name: string) => name.startsWith('token_');
    await withNarrowed(stored, { isReserved }, (reader, base) => {
      const user = reader.entity(reader.symbol('user'), 'bob');
      const org = reader.entity(reader.symbol('org'), 'o');
      const guard = reader.find(org, reader.symbol('member'), user, 0);
      expect(base.guard(guard).context).toEqual({ token_x: true, y: true });
      expect(reader.guard(guard)).toEqual({ ...base.guard(guard), context: { y: true } });
    });
  });
});
