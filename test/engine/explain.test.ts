// Why a check is answered as it is: trees as text, one line a node, and what would allow a denial.
import { afterEach, describe, expect, test } from 'vitest';
import { explain } from '../../src/engine/explain.ts';
import type { ExplainNode, Explanation, UsedTuple } from '../../src/engine/explanation.ts';
import { formatObject, formatSubject, formatTuple } from '../../src/model/tuple.ts';
import { type Question, type TupleText, tupleOf, World } from './world.ts';

let world: World;
afterEach(() => world.close());

async function open(model: string, tuples: readonly TupleText[]): Promise<void> {
  world = await World.open(model, tuples);
}

function ask(check: string, question: Question & { nodesMax?: number } = {}): Explanation {
  const { object, relation, subject } = tupleOf(check);
  const { contextual = [], context = {}, ...limits } = question;
  return world.view((reader, model) =>
    explain(reader, model, {
      subject,
      object,
      relation,
      context,
      contextualTuples: contextual.map(tupleOf),
      now: 0,
      ...limits,
    }),
  );
}

const truths = { true: '+', false: '-', undefined: '~', unknown: '?' };

/** `+ document:1#viewer union`, with tuples as `[+user:anne]`, indented by depth. */
function treeOf(explanation: Explanation): string {
  const lines = (node: ExplainNode, indent: string): string[] => {
    const from = node.tupleset === undefined ? '' : ` ${node.tupleset}`;
    const tuples = node.tuples.map((used) => ` [${usedText(used)}]`).join('');
    const end = node.end === undefined ? '' : ` ${node.end}`;
    const place = `${formatObject(node.object)}#${node.relation}`;
    return [
      `${indent}${truths[node.value]} ${place} ${node.operator}${from}${tuples}${end}`,
      ...node.children.flatMap((child) => lines(child, `${indent}  `)),
    ];
  };
  return `\n${lines(explanation.tree, '').join('\n')}\n`;
}

function usedText({ tuple, value, contextual }: UsedTuple): string {
  return `${truths[value]}${formatSubject(tuple.subject)}${contextual ? ' contextual' : ''}`;
}

function grants({ wouldAllow }: Explanation): string[] {
  return wouldAllow.map((tuples) => tuples.map(formatTuple).join(' & '));
}

const drive = `
type user
type group
  relations
    define member: [user, group#member]
type folder
  relations
    define viewer: [user, user:*, group#member]
type document
  relations
    define parent: [folder]
    define owner: [user]
    define banned: [user]
    define approved: [user]
    define viewer: [user, group#member] or owner or viewer from parent
    define reader: viewer but not banned
    define editor: viewer and approved`;

describe('allowed', () => {
  test('a tuple to the userset is shorter than any other proof', async () => {
    await open(drive, [
      'document:1#parent@folder:x',
      'folder:x#viewer@group:far#member',
      'group:far#member@group:near#member',
      'group:near#member@user:anne',
      'document:1#viewer@group:near#member',
    ]);
    const explanation = ask('document:1#viewer@user:anne');
    expect(explanation).toMatchObject({ outcome: 'allowed', truncated: false, wouldAllow: [] });
    expect(treeOf(explanation)).toBe(`
+ document:1#viewer union
  + document:1#viewer direct
    + document:1#viewer userset [+group:near#member]
      + group:near#member direct [+user:anne]
`);
  });

  test('by the parent, where a wildcard names everybody', async () => {
    await open(drive, ['document:1#parent@folder:x', 'folder:x#viewer@user:*']);
    expect(treeOf(ask('document:1#viewer@user:anne'))).toBe(`
+ document:1#viewer union
  + document:1#viewer from parent
    + document:1#viewer userset [+folder:x]
      + folder:x#viewer direct [+user:*]
`);
  });

  test('an intersection by all its parts, an exclusion with what was not subtracted', async () => {
    await open(drive, ['document:1#owner@user:anne', 'document:1#approved@user:anne']);
    expect(treeOf(ask('document:1#editor@user:anne'))).toBe(`
+ document:1#editor intersection
  + document:1#editor computed
    + document:1#viewer union
      + document:1#viewer computed
        + document:1#owner direct [+user:anne]
  + document:1#editor computed
    + document:1#approved direct [+user:anne]
`);
    expect(treeOf(ask('document:1#reader@user:anne'))).toBe(`
+ document:1#reader exclusion
  + document:1#reader computed
    + document:1#viewer union
      + document:1#viewer computed
        + document:1#owner direct [+user:anne]
  - document:1#reader computed
    - document:1#banned direct
`);
  });

  test('a proof goes round no cycle', async () => {
    await open(drive, [
      'group:a#member@group:b#member',
      'group:b#member@group:a#member',
      'group:b#member@user:anne',
    ]);
    expect(treeOf(ask('group:a#member@user:anne'))).toBe(`
+ group:a#member direct
  + group:a#member userset [+group:b#member]
    + group:b#member direct [+user:anne]
`);
  });

  test('a userset has its own relation, and those of whom it is part', async () => {
    await open(drive, ['document:1#viewer@group:a#member']);
    expect(treeOf(ask('group:a#member@group:a#member'))).toBe(
      '\n+ group:a#member direct subject\n',
    );
    expect(treeOf(ask('document:1#viewer@group:a#member'))).toBe(`
+ document:1#viewer union
  + document:1#viewer direct [+group:a#member]
`);
  });

  test('by a contextual tuple, which says so', async () => {
    await open(drive, []);
    const contextual = ['document:1#owner@user:anne'];
    expect(treeOf(ask('document:1#owner@user:anne', { contextual }))).toBe(
      '\n+ document:1#owner direct [+user:anne contextual]\n',
    );
  });
});

describe('denied', () => {
  test('all that was tried, each question once', async () => {
    await open(drive, [
      'document:1#viewer@group:a#member',
      'group:a#member@group:b#member',
      'group:b#member@group:a#member',
      'document:1#parent@folder:x',
      'folder:x#viewer@group:b#member',
    ]);
    const explanation = ask('document:1#viewer@user:bob');
    expect(explanation.outcome).toBe('denied');
    expect(treeOf(explanation)).toBe(`
- document:1#viewer union
  - document:1#viewer direct
    - document:1#viewer userset [+group:a#member]
      - group:a#member direct
        - group:a#member userset [+group:b#member]
          - group:b#member direct
            - group:b#member userset [+group:a#member]
              - group:a#member direct cycle
  - document:1#viewer computed
    - document:1#owner direct
  - document:1#viewer from parent
    - document:1#viewer userset [+folder:x]
      - folder:x#viewer direct
        - folder:x#viewer userset [+group:b#member]
          - group:b#member direct repeated
`);
    expect(grants(explanation)).toEqual([
      'document:1#viewer@user:bob',
      'group:a#member@user:bob',
      'group:b#member@user:bob',
    ]);
  });

  test('what was subtracted, for which no tuple can make up', async () => {
    await open(drive, ['document:1#owner@user:anne', 'document:1#banned@user:anne']);
    const explanation = ask('document:1#reader@user:anne');
    expect(treeOf(explanation)).toBe(`
- document:1#reader exclusion
  + document:1#reader computed
    + document:1#viewer union
      + document:1#viewer computed
        + document:1#owner direct [+user:anne]
  + document:1#reader computed
    + document:1#banned direct [+user:anne]
`);
    expect(grants(explanation)).toEqual([]);
  });

  test('an intersection asks for one tuple of each part, unless it has it', async () => {
    await open(drive, ['document:2#approved@user:bob']);
    expect(grants(ask('document:1#editor@user:bob'))).toEqual([
      'document:1#viewer@user:bob & document:1#approved@user:bob',
      'document:1#owner@user:bob & document:1#approved@user:bob',
    ]);
    expect(grants(ask('document:2#editor@user:bob'))).toEqual([
      'document:2#viewer@user:bob',
      'document:2#owner@user:bob',
    ]);
  });

  test('an object and a subject of which no tuple speaks', async () => {
    await open(drive, []);
    const explanation = ask('document:new#owner@user:new');
    expect(treeOf(explanation)).toBe('\n- document:new#owner direct\n');
    expect(grants(explanation)).toEqual(['document:new#owner@user:new']);
  });

  test('a relation that the model gives to no such subject', async () => {
    await open(drive, ['document:1#viewer@user:anne']);
    const explanation = ask('document:1#owner@group:a#member');
    expect(treeOf(explanation)).toBe('\n- document:1#owner direct impossible\n');
    expect(grants(explanation)).toEqual([]);
  });

  test('for a wildcard, only the tuple of everybody would do', async () => {
    await open(drive, ['folder:x#viewer@user:anne']);
    expect(grants(ask('folder:x#viewer@user:*'))).toEqual(['folder:x#viewer@user:*']);
  });

  test('what holds only if it does not is open, and denied', async () => {
    await open(
      `
type user
type node
  relations
    define next: [node]
    define all: [user]
    define win: all but not win from next
    define prize: win`,
      ['node:1#next@node:1', 'node:1#all@user:anne'],
    );
    const explanation = ask('node:1#win@user:anne');
    expect(explanation.outcome).toBe('denied');
    expect(treeOf(explanation)).toBe(`
~ node:1#win exclusion
  + node:1#win computed
    + node:1#all direct [+user:anne]
  ~ node:1#win from next
    ~ node:1#win userset [+node:1]
      ~ node:1#win exclusion cycle
`);
    // The same for a relation that is on no cycle, but leans on one.
    expect(treeOf(ask('node:1#prize@user:anne')).split('\n')[1]).toBe('~ node:1#prize computed');
  });
});

describe('conditions', () => {
  const model = `
type user
type document
  relations
    define viewer: [user with soon, user with small]
    define guest: [user with small] or viewer
condition soon(hour: int, limit: int) {
  hour < limit
}
condition small(size: int) {
  size < 10
}`;
  const anne = 'document:1#viewer@user:anne';

  test('met, not met and missing, with the values that there are', async () => {
    await open(model, [[anne, 'soon', { limit: 5 }]]);
    const used = (context: Question['context']) => {
      const explanation = ask(anne, { context: context ?? {} });
      const { value, parameters, missing } = explanation.tree.tuples[0] as UsedTuple;
      return [explanation.outcome, explanation.missing, value, parameters, missing];
    };
    // The tuple's own values win.
    expect(used({ hour: 1, limit: 0 })).toEqual(['allowed', [], 'true', { hour: 1, limit: 5 }, []]);
    expect(used({ hour: 7 })).toEqual(['denied', [], 'false', { hour: 7, limit: 5 }, []]);
    expect(used({})).toEqual(['conditional', ['hour'], 'unknown', { limit: 5 }, ['hour']]);
  });

  test('what a conditional answer hangs on, and nothing else', async () => {
    await open(model, [
      [anne, 'soon', { limit: 5 }],
      ['document:1#guest@user:anne', 'small'],
    ]);
    const explanation = ask('document:1#guest@user:anne', { context: { size: 11 } });
    expect(explanation).toMatchObject({ outcome: 'conditional', missing: ['hour'] });
    expect(treeOf(explanation)).toBe(`
? document:1#guest union
  ? document:1#guest computed
    ? document:1#viewer direct [?user:anne]
`);
    expect(ask('document:1#guest@user:anne').missing).toEqual(['hour', 'size']);
  });

  test('a suggestion has a condition that is met as things are', async () => {
    await open(model, []);
    expect(grants(ask(anne))).toEqual([]);
    expect(grants(ask(anne, { context: { hour: 1, limit: 2 } }))).toEqual([
      `${anne} (condition soon)`,
    ]);
  });

  test('a condition that fails is the error of the check', async () => {
    await open(model, [[anne, 'soon', { limit: 5 }]]);
    expect(() => ask(anne, { context: { hour: 'noon' } })).toThrow(/hour/);
  });
});

describe('size', () => {
  test('a tree is cut at its limit, and says where', async () => {
    const members = Array.from({ length: 30 }, (_, i) => `document:1#viewer@group:${i}#member`);
    await open(drive, members);
    const count = (node: ExplainNode): number =>
      node.children.reduce((sum, child) => sum + count(child), 1);
    const whole = ask('document:1#viewer@user:bob');
    expect([whole.truncated, count(whole.tree)]).toEqual([false, 65]);
    for (const nodesMax of [1, 2, 7, 40, 64]) {
      const cut = ask('document:1#viewer@user:bob', { nodesMax });
      expect(cut.truncated).toBe(true);
      expect(cut.outcome).toBe('denied');
      expect(count(cut.tree)).toBe(nodesMax);
    }
    expect(ask('document:1#viewer@user:bob', { nodesMax: 65 }).truncated).toBe(false);
  });

  test('a check that is too deep is refused as it is', async () => {
    const chain = Array.from({ length: 6 }, (_, i) => `group:${i}#member@group:${i + 1}#member`);
    await open(drive, [...chain, 'group:6#member@user:anne']);
    expect(ask('group:0#member@user:anne').outcome).toBe('allowed');
    expect(() => ask('group:0#member@user:anne', { depthMax: 3 })).toThrow(/followed 3 usersets/);
  });
});
