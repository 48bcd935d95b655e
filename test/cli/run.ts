/**
 * Runs `pemba` from source, in this process or in one of its own, and a real server for it to talk
 * to. In this one it is far quicker; what hangs on a process (that it ends, signals, the lock of a
 * file) is tested with one.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { expect } from 'vitest';
import { runCommand } from '../../cli/run.ts';
import { resolveConfig } from '../../src/server/config.ts';
import { startServer } from '../../src/server/start.ts';

export const root = new URL('../../', import.meta.url).pathname;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** For standard input. */
  readonly input?: string;
}

/** The environment of the tests must not leak in: only what a test gives, and what node needs. */
export function start(args: readonly string[], options: RunOptions = {}): ChildProcess {
  const child = spawn(process.execPath, [join(root, 'cli/main.ts'), ...args], {
    cwd: options.cwd ?? root,
    env: environmentOf(options),
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  child.stdin?.end(options.input);
  return child;
}

function environmentOf({ env }: RunOptions): NodeJS.ProcessEnv {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  return { PATH, NODE_COMPILE_CACHE, HOME: tmpdir(), ...env };
}

/** In a process of its own. ENSURES: nothing that is printed holds an escape code: no terminal. */
export async function pembaProcess(
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ended> {
  const done = await ended(start(args, options));
  expect(done.stdout + done.stderr).not.toContain('\u001b');
  return done;
}

/** Commands in this process come one after the other: they share its streams. */
let before: Promise<unknown> = Promise.resolve();

/** In this process. ENSURES: as for `pembaProcess`. */
export function pemba(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const done = before.then(() => runHere(args, options));
  before = done.catch(() => {});
  return done;
}

/** With what a process has to itself put in the place of what this one has, until it has ended. */
async function runHere(args: readonly string[], options: RunOptions): Promise<Ended> {
  const { env, stdin, exitCode } = process;
  const folder = process.cwd();
  const [stdout, stderr] = [capture(process.stdout), capture(process.stderr)];
  process.env = environmentOf(options);
  Object.defineProperty(process, 'stdin', {
    configurable: true,
    value: Readable.from([options.input ?? '']),
  });
  process.exitCode = undefined;
  process.chdir(options.cwd ?? root);
  try {
    await runCommand(args);
    const code = Number(process.exitCode ?? 0);
    expect(stdout.text() + stderr.text()).not.toContain('\u001b');
    return { code, stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    process.chdir(folder);
    process.exitCode = exitCode;
    Object.defineProperty(process, 'stdin', { configurable: true, value: stdin });
    process.env = env;
    for (const captured of [stdout, stderr]) captured.end();
  }
}

/** What is written to a stream is kept until `end`, and goes no further. */
function capture(stream: NodeJS.WriteStream) {
  const { write } = stream;
  let text = '';
  stream.write = (chunk: string | Uint8Array) => {
    text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    return true;
  };
  return {
    text: () => text,
    end: () => {
      stream.write = write;
    },
  };
}

/** The JSON of a command that must succeed. */
export async function pembaJson(args: readonly string[], options: RunOptions = {}) {
  const done = await pemba([...args, '--json'], options);
  expect(done, done.stderr).toMatchObject({ code: 0 });
  return JSON.parse(done.stdout);
}

export function ended(child: ChildProcess): Promise<Ended> {
  const out: string[] = [];
  const err: string[] = [];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => out.push(text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => err.push(text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout: out.join(''), stderr: err.join('') }));
  });
}

/** A server in memory on free ports. */
export async function startTestServer(flags: Readonly<Record<string, string>> = {}) {
  const config = resolveConfig({
    environment: {},
    flags: {
      'datastore-uri': ':memory:',
      'http-addr': '127.0.0.1:0',
      'grpc-addr': '127.0.0.1:0',
      'metrics-addr': 'off',
      'log-level': 'off',
      ...flags,
    },
  });
  const server = await startServer(config);
  return { url: `http://${server.httpAddress}`, close: () => server.close() };
}

/** A folder of a test's files, by name and text. */
export function folderOf(files: Readonly<Record<string, string | Uint8Array>>) {
  const folder = mkdtempSync(join(tmpdir(), 'pemba-cli-'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return {
    path: folder,
    file: (name: string) => join(folder, name),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
