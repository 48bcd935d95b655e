/**
 * What other processes use, as Linux tells it: CPU of a process with all its threads and descendants, to
 * the nanosecond, and memory. On other systems there is no such figure, and the tables show none.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** CPU in microseconds since the start; NaN where it cannot be told. */
export function cpuMicros(pid: number): number {
  const threads = threadsOf(pid);
  return threads.size === 0 ? Number.NaN : [...threads.values()].reduce((a, b) => a + b, 0);
}

/** By thread, of the process and of its descendants. Threads that have ended are not among them. */
export function threadsOf(pid: number): Map<string, number> {
  const found = new Map<string, number>();
  for (const process of withDescendants(pid)) {
    for (const thread of list(`/proc/${process}/task`)) {
      const text = read(`/proc/${process}/task/${thread}/schedstat`);
      if (text !== undefined) found.set(thread, Number(text.split(' ')[0]) / 1_000);
    }
  }
  return found;
}

/** What the thread that did most did between the two. */
export function busiest(before: Map<string, number>, after: Map<string, number>): number {
  return Math.max(...[...after].map(([thread, micros]) => micros - (before.get(thread) ?? 0)));
}

/** Bytes of memory in use, descendants included; what they share counts once for each. */
export function residentBytes(pid: number): number {
  return withDescendants(pid).reduce((bytes, process) => {
    const [, kilobytes] = /^VmRSS:\s+(\d+)/m.exec(read(`/proc/${process}/status`) ?? '') ?? [];
    return bytes + Number(kilobytes ?? Number.NaN) * 1_024;
  }, 0);
}

function withDescendants(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of list('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    // The name of a program is in brackets and may hold anything, brackets too.
    const stat = read(`/proc/${name}/stat`);
    const parent = Number(stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = [pid];
  for (const process of found) found.push(...(children.get(process) ?? []));
  return found;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Processes and threads come and go. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
