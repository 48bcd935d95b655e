/** Asks before what cannot be taken back. */
import { createInterface } from 'node:readline/promises';
import { Failure } from './exit-codes.ts';

/** Asks on a terminal; a script must say --force. */
export async function confirm(question: string): Promise<void> {
  if (!process.stdin.isTTY) throw new Failure('usage', `${question} say so with --force`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${question} [y/N] `);
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new Failure('interrupted', 'nothing was deleted');
}
