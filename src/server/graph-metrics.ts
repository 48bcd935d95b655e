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

export function showGraphs(registry: Registry, graphs: Graphs): void {
  const registers = [registry];
  for (const [count, [name, help]] of Object.entries(counters)) {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(graphs.counts[count as keyof typeof counters]);
      },
    });
  }
  new Counter({
    name: 'pemba_graph_answers_total',
    help: 'Views of a store, by where they came from: memory, or storage.',
    labelNames: ['place'],
    registers,
    collect() {
      this.reset();
      this.inc({ place: 'memory' }, graphs.counts.answersFromMemory);
      this.inc({ place: 'storage' }, graphs.counts.answersFromStorage);
    },
  });
  new Gauge({
    name: 'pemba_graph_stores',
    help: 'Stores by their place: memory, loading, or storage where a graph was not to be had.',
    labelNames: ['place'],
    registers,
    collect() {
      for (const [place, stores] of Object.entries(graphs.storesIn)) this.set({ place }, stores);
    },
  });
  new Gauge({
    name: 'pemba_graph_bytes',
    help: 'Memory that resident graphs take.',
    registers,
    collect() {
      this.set(graphs.bytes);
    },
  });
  new Gauge({
    name: 'pemba_graph_bytes_max',
    help: 'Memory that resident graphs may take (--graph-memory).',
    registers,
    collect() {
      this.set(graphs.bytesMax);
    },
  });
}
