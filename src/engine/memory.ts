/**
 * What checks remember from request to request, in all stores together, up to a number of bytes.
 * Nothing here is ever out of date: an entry says as of which revision it is, and whoever looks it up
 * asks for the very one as of which the tuples that it depends on are.
 */
import { limits } from '../base/limits.ts';
import type { CompiledModel } from '../model/compiled.ts';
import type { Search } from './held.ts';

export interface Remembered {
  /** No tuple that it depends on has changed between this revision and the one that is asked for. */
  readonly asOf: number;
  /** What it took to find: it counts for whoever is spared it, so that no limit depends on luck. */
  readonly steps: number;
  /** Of a question, or of what an edge leads to: see `Heights`. */
  readonly height: number;
  /** Of a subject's side. */
  readonly search: Search;
}

/** All that an entry is about. Its values are whole numbers. */
export interface MemoryKey {
  readonly model: CompiledModel;
  readonly store: number;
  readonly side: 'subject' | 'question' | 'edge';
  /** The limits under which it was found. */
  readonly depthMax: number;
  readonly about: readonly number[];
}

/** Of an entry's objects and its key, and of one entity that is held; roughly, and not less. */
const bytesPerEntry = 400;
const bytesPerHeld = 40;

/**
 * Two halves: what is used is kept in the younger one, and when that is full the older one is let
 * go as a whole. That costs next to nothing a look-up, where an exact order would cost more than
 * many a walk.
 */
export class Memory {
  private readonly bytesMax: number;
  private young = new Map<string, Remembered>();
  private old = new Map<string, Remembered>();
  private youngBytes = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** ENSURES: as of this revision. */
  get(key: string, asOf: number): Remembered | undefined {
    let entry = this.young.get(key);
    if (entry === undefined) {
      entry = this.old.get(key);
      if (entry === undefined || entry.asOf !== asOf) return undefined;
      this.keep(key, entry);
    }
    return entry.asOf === asOf ? entry : undefined;
  }

  keep(key: string, entry: Remembered): void {
    const bytes = bytesOf(entry);
    if (bytes > this.bytesMax / 2) return;
    const before = this.young.get(key);
    if (before !== undefined) this.youngBytes -= bytesOf(before);
    if (this.youngBytes + bytes > this.bytesMax / 2) {
      this.young.delete(key);
      this.old = this.young;
      this.young = new Map();
      this.youngBytes = 0;
    }
    this.young.set(key, entry);
    this.youngBytes += bytes;
  }
}

export const memory = new Memory(limits.checkMemoryBytesMax);

function bytesOf({ search }: Remembered): number {
  return bytesPerEntry + (search.kind === 'held' ? search.held.hops.size * bytesPerHeld : 0);
}

const modelNumbers = new WeakMap<CompiledModel, number>();
let modelsNumbered = 0;

/** The one text of a key. Injective: numbers, and names without a slash, between slashes. */
export function textOf({ model, store, side, depthMax, about }: MemoryKey): string {
  let number = modelNumbers.get(model);
  if (number === undefined) {
    number = ++modelsNumbered;
    modelNumbers.set(model, number);
  }
  return `${number}/${store}/${side}/${depthMax}/${about.join('/')}`;
}
