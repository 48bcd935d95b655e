/** Puts the figures of a run into the README, between two marks that nobody sees. */
import { readFileSync, writeFileSync } from 'node:fs';
import { answersTable, markdownOf, type Table, targetsTable } from './report.ts';
import type { Results } from './results.ts';
import type { Target } from './targets.ts';

const [begin, end] = ['<!-- figures -->', '<!-- /figures -->'];
const file = new URL('../README.md', import.meta.url);

export function putIntoReadme(
  results: Results,
  targets: readonly Target[],
  charts: readonly { readonly title: string; readonly path: string }[],
): void {
  const text = readFileSync(file, 'utf8');
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`README.md has no ${begin} … ${end}`);
  const figures = figuresOf(results, targets, charts);
  writeFileSync(file, `${text.slice(0, from + begin.length)}\n${figures}\n${text.slice(to)}`);
}

export function figuresOf(
  results: Results,
  targets: readonly Target[],
  charts: readonly { readonly title: string; readonly path: string }[],
): string {
  const { date, machine, memoryBytes, versions, command } = results.about;
  const memory = `${Math.round(memoryBytes / 1024 ** 3)} GiB`;
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `${date}, ${machine}, ${memory}; ${named.join(', ')}; \`${command}\`.`,
    ...charts.map(({ title, path }) => `![${title}](${path})`),
    ...shown(results, targets).map(markdownOf),
  ].join('\n\n');
}

/** What a reader wants first; the rest is in the JSON. */
function shown(results: Results, targets: readonly Target[]): Table[] {
  const [first] = results.answers;
  const rows = results.answers.filter((row) => row.workload === first?.workload);
  const sizes = [...new Set(rows.map((row) => row.size))].sort((a, b) => a - b);
  // The smallest has the peers; a million is what the targets speak of.
  const kept = [sizes[0], sizes.findLast((size) => size <= 1_000_000)];
  const answers = rows.filter((row) => kept.includes(row.size));
  return [targetsTable(targets), answersTable({ answers })].filter(({ rows }) => rows.length > 0);
}
