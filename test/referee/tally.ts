/** What a run counts, and how it prints. */
import type { Outcome } from '../oracle/facts.ts';
import { listContradictsCheck, ofPemba, ofSpiceDb } from './triage.ts';

export interface Tally {
  worlds: number;
  /** Checks that all three answered. */
  decisions: number;
  /** Lists that were compared, and how many objects or subjects they were asked about. */
  readonly lists: { resources: number; subjects: number };
  listed: number;
  readonly outcomes: Record<Outcome, number>;
  agreed: number;
  explained: number;
  unexplained: number;
  /** By the name of a known difference; one decision may have two. */
  readonly reasons: Map<string, number>;
}

export function emptyTally(): Tally {
  return {
    worlds: 0,
    decisions: 0,
    lists: { resources: 0, subjects: 0 },
    listed: 0,
    outcomes: { allowed: 0, denied: 0, error: 0 },
    agreed: 0,
    explained: 0,
    unexplained: 0,
    reasons: new Map(),
  };
}

export function describe(tally: Tally): string {
  const { lists, outcomes } = tally;
  const known = [...Object.values(ofPemba), ...ofSpiceDb, listContradictsCheck].map(
    ({ name, source }) => `  ${tally.reasons.get(name) ?? 0} ${name}\n    ${source}`,
  );
  return [
    `${tally.worlds} worlds, ${tally.decisions} checks`,
    `${lists.resources + lists.subjects} lists (${lists.resources} of objects, ${lists.subjects} of subjects), ${tally.listed} decisions in them`,
    `the oracle says: ${outcomes.allowed} allowed, ${outcomes.denied} denied, ${outcomes.error} conditional`,
    `${tally.agreed} agreed`,
    `${tally.explained} explained:`,
    ...known,
    `${tally.unexplained} unexplained`,
  ].join('\n');
}
