/**
 * Where mutants are tried: a copy of the engine, its storage and the random tester in a temporary
 * folder, of which one file at a time is changed. The tree itself is never touched.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Mutant } from './mutant.ts';

const root = resolve(import.meta.dirname, '../..');

/** What the random tester needs to run. */
const copied = ['src', 'test/oracle', 'test/tool.ts', 'package.json'];

/** A busy machine may take so many times as long as the tester computes. */
const patience = 20;

/** Most bugs show at once; others where much changes; the rest by all that there is. */
const hunts = [
  { share: 0.25, ways: ['--only', 'plain'] },
  { share: 0.4, ways: ['--only', 'clients'] },
  { share: 0.35, ways: [] },
];

export interface Hunt {
  readonly seed: number;
  /** Of computing, so that a busy machine lets nobody escape. */
  readonly seconds: number;
}

/**
 * `broken`: the tester neither agreed nor disagreed, or the mutant is no program; then it says
 * nothing of the tester's power.
 */
export type Outcome = { readonly seconds: number } & (
  | { readonly kind: 'found'; readonly how: string }
  | { readonly kind: 'survived' }
  | { readonly kind: 'broken'; readonly output: string }
);

export function sourceOf(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

/** The source with the mutant in it. Throws unless its text is there exactly once. */
export function mutated(source: string, mutant: Mutant): string {
  const [before, after, ...more] = source.split(mutant.text);
  if (before === undefined || after === undefined || more.length > 0) {
    const times = source.split(mutant.text).length - 1;
    throw new Error(
      `mutant ${mutant.name}: its text is ${times} times in ${mutant.file}, not once; ` +
        'write it anew for the source as it is now',
    );
  }
  return before + mutant.replacement + after;
}

export class Bed implements Disposable {
  private readonly folder = mkdtempSync(join(tmpdir(), 'pemba-mutants-'));

  constructor() {
    for (const path of copied) {
      cpSync(join(root, path), join(this.folder, path), { recursive: true });
    }
    symlinkSync(join(root, 'node_modules'), join(this.folder, 'node_modules'));
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Runs the random tester on the source as it is: it must agree, or no find means anything. */
  tryOriginal(hunt: Hunt): Promise<Outcome> {
    return this.run(hunt, []);
  }

  async tryMutant(mutant: Mutant, hunt: Hunt): Promise<Outcome> {
    const source = sourceOf(mutant.file);
    const target = join(this.folder, mutant.file);
    writeFileSync(target, mutated(source, mutant));
    try {
      let seconds = 0;
      for (const { share, ways } of hunts) {
        const outcome = await this.run({ ...hunt, seconds: hunt.seconds * share }, ways);
        seconds += outcome.seconds;
        if (outcome.kind !== 'survived') return { ...outcome, seconds };
      }
      return { kind: 'survived', seconds };
    } finally {
      writeFileSync(target, source);
    }
  }

  private run({ seed, seconds }: Hunt, ways: readonly string[]): Promise<Outcome> {
    const child = spawn(
      process.execPath,
      [
        join(this.folder, 'test/oracle/random.ts'),
        ...['--workers', '1', '--no-shrink', '--no-coverage', '--cpu'],
        ...['--seed', String(seed), '--seconds', String(seconds)],
        ...ways,
      ],
      { cwd: this.folder, timeout: seconds * patience * 1_000, killSignal: 'SIGKILL' },
    );
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    return new Promise((ended, failed) => {
      child.on('error', failed);
      child.on('close', (code) => {
        const computed = Number(/^computed ([0-9.]+) s$/m.exec(output)?.[1] ?? 0);
        ended({ seconds: computed, ...verdictOn(output, code, seed) });
      });
    });
  }
}

type Verdict =
  | { kind: 'found'; how: string }
  | { kind: 'survived' }
  | { kind: 'broken'; output: string };

function verdictOn(output: string, code: number | null, seed: number): Verdict {
  if (code === 0 && output.includes(`seed ${seed}: agreed`)) return { kind: 'survived' };
  const failure = output.split('\n--- ')[1];
  // An assertion that fails in an answer is a find, and so is whatever else is thrown there: without
  // the mutant nothing is. One that is not even a program is none.
  const crashed = /\b(ReferenceError|SyntaxError)\b/.test(failure ?? output);
  if (!output.includes(`seed ${seed}: DISAGREED`) || failure === undefined || crashed) {
    return { kind: 'broken', output };
  }
  const [way, expected, got] = ['way', 'expected', 'got'].map(
    (key) => new RegExp(`^${key}: (.*)$`, 'm').exec(failure)?.[1],
  );
  const thrown = failure.split('\n')[2] ?? '';
  return { kind: 'found', how: way === undefined ? thrown : `${way}: ${expected} → ${got}` };
}
