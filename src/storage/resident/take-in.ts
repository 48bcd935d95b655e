/** How a graph takes in what was committed, so much at a time that others have their turn. */
import type { Commit, ResidentGraph } from './graph.ts';

/** The commits after the graph's newest, as `GraphSource` has them. */
export type ReadCommits = (
  graph: ResidentGraph,
  changesMax: number,
) => readonly Commit[] | undefined;

export function changesIn(commits: readonly Commit[]): number {
  return commits.reduce((sum, { changes }) => sum + changes.length, 0);
}

/** All but the last commit, and of that so many entities and changes. */
export function takeIn(graph: ResidentGraph, commits: readonly Commit[], most: number): void {
  for (const commit of commits) {
    graph.begin(commit);
    graph.proceed(commit === commits.at(-1) ? most : Number.POSITIVE_INFINITY);
  }
}

/** Whether that was all; to wait for a moment without writes would be to wait for ever. */
export function wasAll(
  graph: ResidentGraph,
  commits: readonly Commit[],
  changesMax: number,
): boolean {
  return graph.isWhole && changesIn(commits) < changesMax;
}

/**
 * Brings a graph that nobody reads yet up to the newest revision. ENSURES: false where the store is gone,
 * or `isOver` says that nobody waits for it any more.
 */
export async function bringUp(
  graph: ResidentGraph,
  read: ReadCommits,
  changesPerSlice: number,
  isOver: () => boolean,
): Promise<boolean> {
  while (!isOver()) {
    if (graph.proceed(changesPerSlice)) {
      const commits = read(graph, changesPerSlice);
      if (commits === undefined) return false;
      takeIn(graph, commits, changesPerSlice);
      if (wasAll(graph, commits, changesPerSlice)) return true;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  return false;
}
