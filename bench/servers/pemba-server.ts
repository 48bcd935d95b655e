/** `pemba serve` in a process of its own, over a database that is there, as anybody would start it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { settingNames } from '../../src/server/config.ts';
import type { Operation } from '../callers/caller.ts';
import { Http, httpCaller } from '../callers/http.ts';
import { depthMax } from '../callers/in-process.ts';
import type { Loaded } from '../load.ts';
import type { World } from '../workloads/workload.ts';
import { worldOf } from '../worlds.ts';
import type { LoopDelay } from './loop-delay.ts';

const cli = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const loopDelay = new URL('loop-delay.ts', import.meta.url).href;

/** Whether servers have the setting, by the name of its flag. */
export function hasSetting(flag: string): boolean {
  const name = flag.replace(/-(.)/g, (_all, letter: string) => letter.toUpperCase());
  return settingNames.some((setting) => String(setting) === name);
}

export class PembaServer {
  readonly http: string;
  readonly grpc: string;
  /** From the start of the process until it answered its health check. */
  readonly startMs: number;
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess, http: string, grpc: string, startMs: number) {
    this.child = child;
    this.http = http;
    this.grpc = grpc;
    this.startMs = startMs;
  }

  /** Settings by flag, with `graph-memory` of 0 for answers by SQLite. */
  static async start(path: string, flags: Readonly<Record<string, string>>): Promise<PembaServer> {
    const [http, grpc] = [await freeAddress(), await freeAddress()];
    const all = {
      'datastore-uri': `file:${path}`,
      'http-addr': http,
      'grpc-addr': grpc,
      'metrics-addr': 'off',
      'log-level': 'error',
      // As many threads as the floor has.
      workers: '1',
      'check-depth-max': String(depthMax),
      ...flags,
    };
    const given = Object.entries(all).map(([flag, value]) => `--${flag}=${value}`);
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !name.startsWith('PEMBA_')),
    );
    const start = performance.now();
    const child = spawn(process.execPath, ['--import', loopDelay, cli, 'serve', ...given], {
      env,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    await ready(child, http);
    return new PembaServer(child, http, grpc, performance.now() - start);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** How long its event loop kept others waiting since this was asked before. */
  async loopDelay(): Promise<LoopDelay> {
    const told = once(this.child, 'message');
    this.child.send('loop delay');
    const [found] = (await told) as [LoopDelay];
    return found;
  }

  /** Milliseconds until the store is answered from memory. REQUIRES: memory for graphs. */
  async resident(loaded: Loaded): Promise<number> {
    const { store } = loaded;
    const http = new Http(this.http);
    const caller = httpCaller(this.http, loaded);
    const ask = caller.prepare(firstCheck(worldOf(loaded.world)));
    const start = performance.now();
    // Each worker may have to be asked; several in a row must say so.
    for (let inMemory = 0; inMemory < 5; ) {
      await ask();
      const text = await http.ask(`/graphs?store_id=${store}`);
      if (/TOO_LARGE|FAILED/.test(text)) throw new Error(`no resident graph: ${text}`);
      inMemory = text.includes('PLACE_MEMORY') ? inMemory + 1 : 0;
      if (inMemory === 0) await new Promise((done) => setTimeout(done, 20));
    }
    caller.close();
    http.close();
    return performance.now() - start;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exited;
  }
}

function firstCheck({ checks }: World): Operation {
  const [question] = Object.values(checks)[0] ?? [];
  if (question === undefined) throw new Error('a world has questions');
  return { kind: 'check', question };
}

async function ready(child: ChildProcess, address: string): Promise<void> {
  const http = new Http(address);
  for (;;) {
    if (child.exitCode !== null) throw new Error(`pemba serve ended with ${child.exitCode}`);
    const up = await http.ask('/readyz').catch(() => undefined);
    if (up !== undefined) break;
    await new Promise((done) => setTimeout(done, 10));
  }
  http.close();
}

async function freeAddress(): Promise<string> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  if (address === null || typeof address === 'string') throw new Error('no free port');
  probe.close();
  await once(probe, 'close');
  return `127.0.0.1:${address.port}`;
}
