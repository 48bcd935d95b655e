// `pemba serve` as a process of its own, on free ports, with its log read line by line.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';

const main = resolve(import.meta.dirname, '../../cli/main.ts');

export type LogLine = Readonly<Record<string, unknown>>;

export interface ServeProcess {
  readonly process: ChildProcess;
  readonly http: string;
  readonly grpc: string;
  /** Resolves with the line of this message, past or to come. */
  logged(message: string): Promise<LogLine>;
  /** Exit code, or the signal that killed it. */
  ended(): Promise<number | string>;
}

/** One thread serves, unless the flags say otherwise. */
export async function serveProcess(flags: readonly string[]): Promise<ServeProcess> {
  const ports = ['--http-addr', '--grpc-addr'].flatMap((flag) => [flag, '127.0.0.1:0']);
  const child = spawn(
    process.execPath,
    [main, 'serve', ...ports, '--metrics-addr', 'off', '--workers', '1', ...flags],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const exit = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);
  const lines: LogLine[] = [];
  const waiting: { message: string; resolve: (line: LogLine) => void }[] = [];
  createInterface({ input: child.stderr! }).on('line', (text) => {
    const line: LogLine = text.startsWith('{') ? JSON.parse(text) : { msg: text };
    lines.push(line);
    for (const each of waiting) if (each.message === line.msg) each.resolve(line);
  });
  const logged = (message: string): Promise<LogLine> => {
    const past = lines.find(({ msg }) => msg === message);
    if (past !== undefined) return Promise.resolve(past);
    const line = new Promise<LogLine>((resolve) => waiting.push({ message, resolve }));
    const gone = exit.then((code): never => {
      throw new Error(`ended with ${code} before "${message}": ${JSON.stringify(lines)}`);
    });
    return Promise.race([line, gone]);
  };
  const serving = await logged('serving');
  return {
    process: child,
    http: String(serving.http),
    grpc: String(serving.grpc),
    logged,
    ended: () => exit,
  };
}

/** Runs `pemba` to its end. */
export async function runPemba(
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<{ code: number | string; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [main, ...args], {
    env: { PATH: process.env.PATH, ...environment },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const [code, signal] = await once(child, 'close');
  return { code: code ?? signal, stdout, stderr };
}
