/**
 * `npm run bench`: what answers, writes and loads cost, beside peers that are asked the same. Exit code
 * 1 for a wrong answer, 2 for a wrong command line. How to read the figures: bench/README.md.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WrongAnswer } from './callers/caller.ts';
import { costChart, growthChart } from './chart/charts.ts';
import { help, type Options, readOptions } from './options.ts';
import { putIntoReadme } from './readme.ts';
import { tablesOf, textOf } from './report.ts';
import type { Results } from './results.ts';
import { run } from './run.ts';
import { type Target, targetsOf } from './targets.ts';

function optionsOrExit(): Options {
  try {
    const options = readOptions(process.argv.slice(2));
    if (options !== 'help') return options;
    process.stdout.write(help);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`bench: ${(error as Error).message}; see --help\n`);
    process.exit(2);
  }
}

/** Returns the charts with their paths as the README has them. */
function write(results: Results, targets: readonly Target[], { out, name }: Options) {
  mkdirSync(out, { recursive: true });
  const json = JSON.stringify({ ...results, targets }, null, 1);
  writeFileSync(join(out, `${name}.json`), `${json}\n`);
  const charts = [
    { title: 'What an answer costs', file: `${name}-costs.svg`, svg: costChart(results) },
    { title: 'How costs grow', file: `${name}-growth.svg`, svg: growthChart(results) },
  ];
  return charts.flatMap(({ title, file, svg }) => {
    if (svg === undefined) return [];
    const path = join(out, file);
    writeFileSync(path, svg);
    return [{ title, path }];
  });
}

const options = optionsOrExit();
const start = performance.now();
const minutes = () => ((performance.now() - start) / 60_000).toFixed(1);
const command = `npm run bench${process.argv.length > 2 ? ` -- ${process.argv.slice(2).join(' ')}` : ''}`;
try {
  const say = (text: string) => process.stderr.write(`[${minutes()} min] ${text}\n`);
  const results = await run(options, command, say);
  const targets = targetsOf(results);
  const { machine, date, versions, seed } = results.about;
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  process.stdout.write(`${machine}, ${date}, seed ${seed}; ${named.join(', ')}\n`);
  for (const table of tablesOf(results, targets)) process.stdout.write(`\n${textOf(table)}\n`);
  const charts = write(results, targets, options);
  if (options.readme) putIntoReadme(results, targets, charts);
  say(`done; the figures are in ${join(options.out, `${options.name}.json`)}`);
} catch (error) {
  if (!(error instanceof WrongAnswer)) throw error;
  process.stderr.write(`bench: WRONG ANSWER, the run is worth nothing: ${error.message}\n`);
  process.exit(1);
}
