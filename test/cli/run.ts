/** Runs `pemba` from source in a process of its own, and a real server for it to talk to. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { resolveConfig } from '../../src/server/config.ts';
import { startServer } from '../../src/server/start.ts';

export const root = new URL('../../', import.meta.url).pathname;

/** Most of the life of so short a process is compiling: once for all of them will do. */
const compileCache = join(root, 'node_modules/.cache/pemba-test');

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
    env: {
      PATH: process.env.PATH,
      HOME: tmpdir(),
      NODE_COMPILE_CACHE: compileCache,
      ...options.env,
    },
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  child.stdin?.end(options.input);
  return child;
}

/** ENSURES: nothing that is printed holds an escape code; there is no terminal here. */
export async function pemba(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const done = await ended(start(args, options));
  expect(done.stdout + done.stderr).not.toContain('\u001b');
  return done;
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
