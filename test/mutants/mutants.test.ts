// Every mutant still applies to the source as it is and is a program, so that the list cannot rot;
// and the random tester finds two of them here. `npm run mutants` tries them all.
import { stripTypeScriptTypes } from 'node:module';
import { expect, test } from 'vitest';
import { Bed, mutated, sourceOf } from './bed.ts';
import { mutants } from './mutants.ts';

test('there are forty mutants or more, each with a name of its own', () => {
  expect(mutants.length).toBeGreaterThanOrEqual(40);
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
});

test.each(mutants)('$name applies exactly once, and parses', (mutant) => {
  const source = sourceOf(mutant.file);
  const text = mutated(source, mutant);
  expect(stripTypeScriptTypes(text)).not.toBe(stripTypeScriptTypes(source));
});

test.each([
  ['not at all', 'no such text'],
  ['more than once', 'const '],
])('a mutant whose text is there %s is an error', (_, text) => {
  const [mutant] = mutants;
  expect(() => mutated(sourceOf(mutant!.file), { ...mutant!, text })).toThrow(/not once/);
});

test.each(['request-context-not-forwarded', 'stored-context-not-kept'])(
  'random worlds find %s',
  async (name) => {
    using bed = new Bed();
    const mutant = mutants.find((candidate) => candidate.name === name);
    expect(await bed.tryMutant(mutant!, { seed: 1, seconds: 30 })).toMatchObject({ kind: 'found' });
  },
);

test('random worlds agree with the source as it is', async () => {
  using bed = new Bed();
  expect(await bed.tryOriginal({ seed: 1, seconds: 1 })).toMatchObject({ kind: 'survived' });
});
