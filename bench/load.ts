/** Brings a world into a new database, in a process of its own, and measures it. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from './callers/openfga-messages.ts';
import { Remote } from './servers/remote.ts';

/** A world is made again from these, in whatever process needs it. */
export interface WorldName {
  readonly workload: string;
  readonly size: number;
  readonly seed: number;
  /** Depth or width, for the workloads that have one. */
  readonly shape?: number;
}

export interface LoadFigures {
  readonly tuples: number;
  readonly seconds: number;
  readonly cpuMicros: number;
  /** Database file with its indexes and changelog. */
  readonly bytes: number;
  /** Memory of the loading process: when a tenth was loaded, and the most there was. */
  readonly earlyBytes: number;
  readonly peakBytes: number;
}

export interface Loaded extends Place {
  readonly world: WorldName;
  readonly path: string;
  readonly load: LoadFigures;
}

export interface LoadRequest {
  readonly world: WorldName;
  readonly path: string;
}

/** Databases of one run, or of all runs where their folder is kept. */
export class Databases {
  readonly folder: string;
  private readonly kept: boolean;

  constructor(folder: string, kept: boolean) {
    this.folder = folder;
    this.kept = kept;
    mkdirSync(folder, { recursive: true });
  }

  async loaded(world: WorldName): Promise<Loaded> {
    const { workload, size, seed, shape } = world;
    const path = join(this.folder, `${[workload, shape, size, seed].filter(Boolean).join('-')}.db`);
    const notes = `${path}.json`;
    if (existsSync(notes)) return JSON.parse(readFileSync(notes, 'utf8')) as Loaded;
    removeDatabase(path);
    const loader = Remote.start('loader.ts');
    const done = await loader.ask<Place & { load: LoadFigures }>({ world, path });
    await loader.stop();
    const loaded: Loaded = { world, path, ...done };
    writeFileSync(notes, JSON.stringify(loaded));
    return loaded;
  }

  /** Large ones are let go of as soon as nobody needs them. */
  drop({ path }: Loaded): void {
    if (this.kept) return;
    removeDatabase(path);
    rmSync(`${path}.json`, { force: true });
  }

  close(): void {
    if (!this.kept) rmSync(this.folder, { recursive: true, force: true });
  }
}

export function removeDatabase(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '-lock']) rmSync(path + suffix, { force: true });
}
