/** The overlay as a TupleReader: what it adds to the stored tuples, and what it leaves to them. */
import { describe, expect, it } from 'vitest';
import { overlay } from '../../src/engine/overlay.ts';
import { noGuard, noTuple, type Run, type TupleReader } from '../../src/storage/tuple-reader.ts';
import { type TupleText, tupleOf, World } from './world.ts';

const model = `
type user
type group
  relations
    define member: [user, user with given]
type document
  relations
    define viewer: [user, user:*, group#member]
condition given(x: bool) {
  x
}`;

async function withOverlay(
  stored: readonly TupleText[],
  contextual: readonly TupleText[],
  use: (overlaid: TupleReader, base: TupleReader) => void,
): Promise<void> {
  const world = await World.open(model, stored);
  world.view((base, compiled) => use(overlay(base, compiled, contextual.map(tupleOf)), base));
  await world.close();
}

/** All runs of a range, as texts. */
function texts(reader: TupleReader, next: (after: number) => Run): string[] {
  const found: string[] = [];
  let after = 0;
  do {
    const run = next(after);
    for (let i = run.start; i < run.end; i++) {
      const { type, id } = reader.entityRef(run.entities[i] as number);
      found.push(`${type}:${id}${(run.guards?.[i] ?? noGuard) === noGuard ? '' : '?'}`);
    }
    after = run.next;
  } while (after !== 0);
  return found;
}

describe('overlay', () => {
  it('without contextual tuples is the reader itself', async () => {
    await withOverlay([], [], (overlaid, base) => expect(overlaid).toBe(base));
  });

  it('gives what the store does not know negative integers, and nothing to the rest', async () => {
    await withOverlay(
      ['group:g#member@user:anne'],
      ['group:g#member@user:new'],
      (overlaid, base) => {
        const user = base.symbol('user');
        expect(overlaid.symbol('user')).toBe(user);
        expect(overlaid.entity(user, 'anne')).toBe(base.entity(user, 'anne'));
        expect(base.entity(user, 'new')).toBe(0);
        const made = overlaid.entity(user, 'new');
        expect(made).toBeLessThan(-1);
        expect(overlaid.entityRef(made)).toMatchObject({ type: 'user', id: 'new' });
        expect(overlaid.entity(user, 'ghost')).toBe(0);
        // The same id under another type is another entity.
        expect(overlaid.entity(base.symbol('group'), 'new')).toBe(0);
      },
    );
  });

  it('shows contextual tuples first in runs of either direction, then the stored ones', async () => {
    const stored = Array.from({ length: 300 }, (_, i) => `group:g#member@user:${i}`);
    await withOverlay(
      [...stored, 'group:h#member@user:7'],
      [
        ['group:g#member@user:7', 'given', { x: true }],
        'group:new#member@user:7',
        'group:g#member@user:x',
      ],
      (overlaid, base) => {
        const [user, group, member] = ['user', 'group', 'member'].map((name) =>
          base.symbol(name),
        ) as [number, number, number];
        const g = base.entity(group, 'g');
        const members = texts(overlaid, (after) => overlaid.subjects(g, member, user, 0, after));
        expect(members.slice(0, 2)).toEqual(['user:7?', 'user:x']);
        expect(members.slice(2)).toEqual(
          texts(base, (after) => base.subjects(g, member, user, 0, after)),
        );
        const seven = base.entity(user, '7');
        const groups = texts(overlaid, (after) => overlaid.objects(seven, 0, member, group, after));
        expect(groups).toEqual(['group:g?', 'group:new', 'group:g', 'group:h']);
        const made = overlaid.entity(group, 'new');
        expect(texts(overlaid, (after) => overlaid.subjects(made, member, user, 0, after))).toEqual(
          ['user:7'],
        );
      },
    );
  });

  it('answers `find` from the contextual tuple where there is one', async () => {
    await withOverlay(
      ['group:g#member@user:anne', 'group:g#member@user:beth', 'document:1#viewer@user:*'],
      [
        ['group:g#member@user:anne', 'given', { x: true }],
        'group:g#member@user:new',
        'document:1#viewer@user:*',
      ],
      (overlaid, base) => {
        const [user, group, member] = ['user', 'group', 'member'].map((name) =>
          base.symbol(name),
        ) as [number, number, number];
        const g = base.entity(group, 'g');
        const guard = overlaid.find(g, member, base.entity(user, 'anne'), 0);
        expect(guard).toBeLessThan(-1);
        expect(overlaid.guard(guard)).toEqual({
          condition: base.symbol('given'),
          context: { x: true },
        });
        expect(overlaid.find(g, member, base.entity(user, 'beth'), 0)).toBe(noGuard);
        expect(overlaid.find(g, member, overlaid.entity(user, 'new'), 0)).toBe(noGuard);
        expect(overlaid.find(g, member, base.entity(user, 'anne'), member)).toBe(noTuple);
        expect(overlaid.find(base.entity(user, 'anne'), member, g, 0)).toBe(noTuple);
      },
    );
  });
});
