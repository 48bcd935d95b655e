/** Which relations count as recursive, and how. */
import { expect, it } from 'vitest';
import { byUnions, notRecursive, recursionOf, tangled } from '../../src/engine/recursion.ts';
import { World } from './world.ts';

it('tells recursion by unions from recursion through other rewrites', async () => {
  const world = await World.open(`
type user
type node
  relations
    define next: [node]
    define plain: [user]
    define group: [user, node#group]
    define reach: ([user] but not plain) or reach from next
    define even: plain or odd from next
    define odd: even from next
    define gated: plain and gated from next
    define knot: [user] but not banned
    define banned: [user, node#knot]
    define above: group and banned`);
  const kinds = world.view((_reader, model) => {
    const { kind, component } = recursionOf(model);
    expect(recursionOf(model).kind).toBe(kind);
    const of = (relation: string) => model.relationIndex('node', relation);
    expect(component[of('even')]).toBe(component[of('odd')]);
    expect(component[of('banned')]).toBe(component[of('knot')]);
    expect(component[of('group')]).not.toBe(component[of('above')]);
    return Object.fromEntries(model.relations.map(({ name, index }) => [name, kind[index]]));
  });
  expect(kinds).toEqual({
    next: notRecursive,
    plain: notRecursive,
    group: byUnions,
    reach: byUnions,
    even: byUnions,
    odd: byUnions,
    gated: tangled,
    knot: tangled,
    banned: tangled,
    above: notRecursive,
  });
  await world.close();
});
