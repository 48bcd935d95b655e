/** The metrics of the resident graphs: read from their counts when somebody asks for them. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { GraphCounts, Graphs } from '../storage/graphs.ts';

const counters = {
  builds: ['pemba_graph_builds_total', 'Resident graphs built from storage.'],
  folds: ['pemba_graph_folds_total', 'Changes folded into a new base of their graph.'],
  evictions: ['pemba_graph_evictions_total', 'Graphs that had to leave the memory to others.'],
  failures: ['pemba_graph_failures_total', 'Graphs that could not be built or kept up.'],
  changesApplied: ['pemba_graph_changes_total', 'Changes of tuples taken into graphs.'],
} as const satisfies Partial<Record<keyof GraphCounts, readonly [name: string, help: string]>>;

type Counted = keyof typeof counters;

/** Where one thread serves. */
export function showGraphs(registry: Registry, graphs: Graphs): void {
  showCounts(registry, graphs.counts, ['builds', 'folds', 'evictions', 'failures']);
  showWork(registry, graphs);
  showPlaces(registry, () => graphs.storesIn);
  showMemory(registry, graphs);
}

/** Of one thread of several: what it does itself. They have the bases in common. */
export function showGraphsOfWorker(registry: Registry, graphs: Graphs): void {
  showCounts(registry, graphs.counts, ['failures']);
  showWork(registry, graphs);
  showPlaces(registry, () => ({ storage: graphs.storesIn.storage }));
}

/** What the threads have in common. */
export function showSharedGraphs(
  registry: Registry,
  shared: Pick<Graphs, 'bytes' | 'bytesMax'> & {
    readonly counts: Pick<GraphCounts, 'builds' | 'folds' | 'evictions'>;
    readonly stores: Pick<Graphs['storesIn'], 'memory' | 'loading'>;
  },
): void {
  showCounts(registry, shared.counts, ['builds', 'folds', 'evictions']);
  showPlaces(registry, () => shared.stores);
  showMemory(registry, shared);
}

function showCounts<Name extends Counted>(
  registry: Registry,
  counts: Readonly<Record<Name, number>>,
  names: readonly Name[],
): void {
  for (const count of names) {
    const [name, help] = counters[count];
    new Counter({
      name,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(counts[count]);
      },
    });
  }
}

function showWork(registry: Registry, graphs: Graphs): void {
  showCounts(registry, graphs.counts, ['changesApplied']);
  new Counter({
    name: 'pemba_graph_answers_total',
    help: 'Views of a store, by where they came from: memory, or storage.',
    labelNames: ['place'],
    registers: [registry],
    collect() {
      this.reset();
      this.inc({ place: 'memory' }, graphs.counts.answersFromMemory);
      this.inc({ place: 'storage' }, graphs.counts.answersFromStorage);
    },
  });
}

function showPlaces(registry: Registry, storesIn: () => Partial<Graphs['storesIn']>): void {
  new Gauge({
    name: 'pemba_graph_stores',
    help: 'Stores by their place: memory, loading, or storage where a graph was not to be had.',
    labelNames: ['place'],
    registers: [registry],
    // Several threads mean the same stores.
    aggregator: 'max',
    collect() {
      for (const [place, stores] of Object.entries(storesIn())) this.set({ place }, stores);
    },
  });
}

function showMemory(registry: Registry, memory: Pick<Graphs, 'bytes' | 'bytesMax'>): void {
  const registers = [registry];
  new Gauge({
    name: 'pemba_graph_bytes',
    help: 'Memory that resident graphs take.',
    registers,
    collect() {
      this.set(memory.bytes);
    },
  });
  new Gauge({
    name: 'pemba_graph_bytes_max',
    help: 'Memory that resident graphs may take (--graph-memory).',
    registers,
    collect() {
      this.set(memory.bytesMax);
    },
  });
}
