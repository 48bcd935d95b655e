/** What several clients do, step by step: a plan as fast-check makes and shrinks it. */
import fc from 'fast-check';
import { type Way, ways } from './apis.ts';
import { type Source, sources } from './source.ts';

/** Numbers stand for tuples of the scene's pool, for its models, settings and questions. */
export type Step =
  | WriteStep
  | TuplesStep
  | { readonly kind: 'retry'; readonly write: number }
  | ClearStep
  | { readonly kind: 'model'; readonly model: number }
  | DropStep
  | AskStep
  | AroundStep;

/** The wire's Write. */
export interface WriteStep {
  readonly kind: 'write';
  readonly writes: readonly number[];
  readonly deletes: readonly number[];
  readonly ignore: boolean;
}

/** WriteTuples. */
export interface TuplesStep {
  readonly kind: 'tuples';
  readonly writes: readonly number[];
  readonly deletes: readonly number[];
  readonly duplicate: 'ERROR' | 'IGNORE' | 'REPLACE';
  readonly missing: 'ERROR' | 'IGNORE';
  readonly only: { readonly filter: Filter; readonly exists: boolean } | undefined;
  /** Few, so that they meet; 0 for none. */
  readonly key: number;
}

/** DeleteTuples. */
export interface ClearStep {
  readonly kind: 'clear';
  readonly filter: Filter;
}

/** DeleteStore; `renewed`: the store is there again at once, under the same id, with a model and tuples. */
export interface DropStep {
  readonly kind: 'drop';
  readonly renewed: boolean;
}

/** What a tuple of the pool has in common with those that are meant. */
export interface Filter {
  readonly like: number;
  readonly by: 'object' | 'subject' | 'kind' | 'key';
}

export interface AskStep {
  readonly kind: 'ask';
  readonly way: Way;
  readonly question: number;
  readonly setting: number;
  readonly at: 'any' | 'token' | 'newest';
}

/** Asks of the subject of one tuple, with it, without it, and with it again. */
export interface AroundStep extends Omit<AskStep, 'kind'> {
  readonly kind: 'around';
  readonly tuple: number;
}

export interface Plan {
  readonly world: number;
  /** A database file, whose writer has a thread of its own; else one in memory. */
  readonly file: boolean;
  readonly source: Source;
  readonly clients: readonly (readonly Step[])[];
}

const asked = ways.filter((way) => way !== 'walk');

const index = fc.nat({ max: 999 });
const filter: fc.Arbitrary<Filter> = fc.record({
  like: index,
  // By a kind, storage reads more than is meant.
  by: fc.constantFrom('object', 'subject', 'kind', 'kind', 'key'),
});
const question = {
  way: fc.constantFrom(...asked),
  // Often one of few: what was remembered of it must not outlive the writes between.
  question: fc.oneof(index, fc.nat({ max: 3 })),
  setting: index,
  at: fc.constantFrom('any' as const, 'token' as const, 'newest' as const),
};
const askStep: fc.Arbitrary<Step> = fc.record({ kind: fc.constant('ask' as const), ...question });
const aroundStep: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('around' as const),
  ...question,
  // Check remembers the most, from request to request.
  way: fc.constantFrom('check' as const, 'batch' as const, ...asked),
  tuple: index,
});
const tuples = {
  writes: fc.uniqueArray(index, { maxLength: 4 }),
  deletes: fc.uniqueArray(index, { maxLength: 2 }),
};
const writeStep: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('write' as const),
  ...tuples,
  ignore: fc.boolean(),
});
const tuplesStep: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('tuples' as const),
  ...tuples,
  duplicate: fc.constantFrom('ERROR', 'IGNORE', 'REPLACE', 'REPLACE'),
  missing: fc.constantFrom('ERROR', 'IGNORE'),
  only: fc.option(fc.record({ filter, exists: fc.boolean() }), { nil: undefined, freq: 2 }),
  key: fc.nat({ max: 4 }),
});
const retryStep: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('retry' as const),
  write: index,
});
const clearStep: fc.Arbitrary<Step> = fc.record({ kind: fc.constant('clear' as const), filter });
const modelStep: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('model' as const),
  model: index,
});
const dropStep: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('drop' as const),
  renewed: fc.boolean(),
});

const writer = fc.array(
  fc.oneof(
    { arbitrary: writeStep, weight: 12 },
    { arbitrary: tuplesStep, weight: 10 },
    { arbitrary: retryStep, weight: 5 },
    { arbitrary: clearStep, weight: 4 },
    { arbitrary: modelStep, weight: 3 },
    { arbitrary: dropStep, weight: 2 },
    { arbitrary: askStep, weight: 4 },
    { arbitrary: aroundStep, weight: 4 },
  ),
  { maxLength: 8 },
);
const reader = fc.array(askStep, { maxLength: 10 });

/** Only of such relations is anything remembered from request to request: see `randomWorld`. */
const worldOfUnions = fc.nat({ max: 0x1fffffff }).map((number) => number * 4 + 1);

/** Four who write and four who read. */
export function planArbitrary(): fc.Arbitrary<Plan> {
  return fc.record({
    world: fc.noShrink(fc.oneof(fc.nat({ max: 0x7fffffff }), worldOfUnions)),
    file: fc.oneof({ arbitrary: fc.constant(false), weight: 3 }, fc.constant(true)),
    source: fc.constantFrom(...sources),
    clients: fc
      .tuple(writer, writer, writer, writer, reader, reader, reader, reader)
      .map((clients) => clients as readonly (readonly Step[])[]),
  });
}
