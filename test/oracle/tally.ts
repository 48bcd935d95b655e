/** What a run has seen: counts, how often worlds had each feature, and which cases were covered. */

import type { GraphCounts } from '../../src/storage/graphs.ts';
import { apis, type Way, ways } from './apis.ts';
import { addCells, type Cells, describeCells, emptyCells } from './coverage.ts';
import { featuresOf } from './features.ts';
import type { World } from './world.ts';

export interface Tally {
  worlds: number;
  /** Models that the generator made and the server's rules refuse. */
  rejectedModels: number;
  decisions: number;
  allowed: number;
  denied: number;
  errors: number;
  /** Questions without a founded answer, for a cycle through a subtracted side. */
  undefined: number;
  /** Refused for the depth of the path, about which the oracle has no say. */
  tooDeep: number;
  /** Refused by a list for a guard that the answer does not hang on. */
  eager: number;
  /** Of a list of users with a wildcard, which does not say. */
  unnamed: number;
  /** Of command sequences with several clients: how many, their commands, and the revisions made. */
  sequences: number;
  commands: number;
  revisions: number;
  /** Of resident graphs, and of the views of stores that came from one and that did not. */
  builds: number;
  folds: number;
  evictions: number;
  answersFromMemory: number;
  answersFromStorage: number;
  disagreements: number;
  features: Record<string, number>;
  /** By metamorphic rule: worlds that it was tried on, and answers that were compared. */
  rules: Record<string, { worlds: number; answers: number }>;
  decisionsBy: Record<string, number>;
  cells: Cells;
}

/** The names of those parts of a tally that are plain counts. */
type Count = { [name in keyof Tally]: Tally[name] extends number ? name : never }[keyof Tally];

export function emptyTally(): Tally {
  return {
    worlds: 0,
    rejectedModels: 0,
    decisions: 0,
    allowed: 0,
    denied: 0,
    errors: 0,
    undefined: 0,
    tooDeep: 0,
    eager: 0,
    unnamed: 0,
    sequences: 0,
    commands: 0,
    revisions: 0,
    builds: 0,
    folds: 0,
    evictions: 0,
    answersFromMemory: 0,
    answersFromStorage: 0,
    disagreements: 0,
    features: {},
    rules: {},
    decisionsBy: {},
    cells: emptyCells(),
  };
}

export function addTally(into: Tally, from: Tally): void {
  for (const [name, count] of Object.entries(from)) {
    if (typeof count === 'number') into[name as Count] += count;
  }
  for (const part of ['features', 'decisionsBy'] as const) {
    for (const [name, count] of Object.entries(from[part])) {
      into[part][name] = (into[part][name] ?? 0) + count;
    }
  }
  for (const [name, { worlds, answers }] of Object.entries(from.rules)) {
    countRule(into, name, worlds, answers);
  }
  addCells(into.cells, from.cells);
}

export function countRule(tally: Tally, name: string, worlds: number, answers: number): void {
  const before = tally.rules[name] ?? { worlds: 0, answers: 0 };
  tally.rules[name] = { worlds: before.worlds + worlds, answers: before.answers + answers };
}

export function countDecision(tally: Tally, way: Way, outcome: string): void {
  tally.decisions++;
  tally.decisionsBy[way] = (tally.decisionsBy[way] ?? 0) + 1;
  if (outcome === 'allowed') tally.allowed++;
  else if (outcome === 'denied') tally.denied++;
  else tally.errors++;
}

const ofGraphs = [
  'builds',
  'folds',
  'evictions',
  'answersFromMemory',
  'answersFromStorage',
] as const satisfies Count[];

/** What became of the graphs since `before`. */
export function countGraphs(tally: Tally, now: GraphCounts, before?: GraphCounts): void {
  for (const name of ofGraphs) tally[name] += now[name] - (before?.[name] ?? 0);
}

/** What a run should have seen of graphs and has not. */
export function missingOfGraphs(tally: Tally): readonly string[] {
  return ofGraphs.filter((name) => tally[name] === 0);
}

export function countFeatures(tally: Tally, world: World): void {
  for (const [name, present] of Object.entries(featuresOf(world))) {
    tally.features[name] = (tally.features[name] ?? 0) + (present ? 1 : 0);
  }
}

/** The tally as text: counts, features in percent, rules, and the tables of what was covered. */
export function describe(tally: Tally): string {
  const percent = (count: number) => `${((100 * count) / tally.worlds).toFixed(0)} %`;
  return [
    `${tally.worlds} worlds, ${tally.decisions} decisions: ${tally.allowed} allowed, ${tally.denied} denied, ${tally.errors} errors`,
    `${tally.disagreements} disagreements`,
    `${tally.tooDeep} refused for their depth`,
    `${tally.eager} refused by a list for an open guard that the answer does not hang on, ${tally.unnamed} left open by a wildcard`,
    `${tally.undefined} questions that a cycle through negation leaves undefined`,
    `${tally.rejectedModels} models made and refused`,
    `${tally.sequences} sequences of several clients, ${tally.commands} commands, ${tally.revisions} revisions`,
    `${tally.builds} graphs built, ${tally.folds} folded, ${tally.evictions} given up; ${tally.answersFromMemory} views from memory, ${tally.answersFromStorage} from storage`,
    '',
    'Decisions by API',
    ...ways.map((way) => `  ${apis[way].name.padEnd(34)} ${tally.decisionsBy[way] ?? 0}`),
    '',
    'Of all worlds, with',
    ...Object.entries(tally.features).map(
      ([name, count]) => `  ${name.padEnd(34)} ${percent(count)}`,
    ),
    '',
    'Rules that need no oracle: worlds, answers compared',
    ...Object.entries(tally.rules)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(
        ([name, { worlds, answers }]) =>
          `  ${name.padEnd(56)} ${`${worlds}`.padStart(8)} ${`${answers}`.padStart(10)}`,
      ),
    '',
    describeCells(tally.cells),
  ].join('\n');
}
