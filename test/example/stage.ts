// What the example shows its steps with: commands as a reader would type them, run as processes.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runPemba } from '../server/serve-process.ts';

export class Stage {
  readonly #folder = mkdtempSync(join(tmpdir(), 'pemba-example-'));
  /** For the commands from here on. */
  environment: Record<string, string> = {};
  #steps = 0;

  step(title: string): void {
    console.log(`\n${++this.#steps}. ${title}`);
  }

  tell(text: string): void {
    for (const line of text.trimEnd().split('\n')) console.log(`   ${line}`);
  }

  /** A file that only its owner reads. */
  file(name: string, content: string): string {
    const path = join(this.#folder, name);
    writeFileSync(path, content);
    chmodSync(path, 0o600);
    return path;
  }

  pathOf(name: string): string {
    return join(this.#folder, name);
  }

  /** Prints the command and what it prints, and returns the latter; one that fails ends the example. */
  async pemba(args: readonly string[], options: { quiet?: boolean } = {}): Promise<string> {
    this.tell(`$ pemba ${args.map(quoted).join(' ')}`);
    const { code, stdout, stderr } = await runPemba(args, this.environment);
    if (code !== 0) throw new Error(`it ended with ${code}: ${stdout}${stderr}`);
    if (options.quiet !== true) this.tell(stdout);
    return stdout;
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function quoted(argument: string): string {
  return /^[\w./:@=*-]+$/.test(argument) ? argument : `'${argument}'`;
}
