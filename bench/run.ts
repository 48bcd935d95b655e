/** The whole run: every world in turn, then what is measured on one of them, then how costs grow. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Databases, type WorldName } from './load.ts';
import type { Kind, Options, Path } from './options.ts';
import { aboutThis, emptyResults, type Results } from './results.ts';
import { answersInProcess, answersOverWires } from './sections/answers.ts';
import { growth, startUp } from './sections/growth.ts';
import { interference } from './sections/interference.ts';
import { subjectTokens } from './sections/subject-token.ts';
import { workers } from './sections/workers.ts';

/** Says what is being done; a run takes minutes. */
export type Say = (text: string) => void;

/** The world of a million tuples, or the largest below it, carries what is measured only once. */
const onceSizeMax = 1_000_000;

/** In a quick run the first workload bears what takes long, and of the others it is shown what differs. */
const quickKinds: readonly Kind[] = ['check', 'objects', 'users', 'write'];
const quickPaths: readonly Path[] = ['memory', 'grpc'];

function optionsOf(workload: string, options: Options): Options {
  if (options.thorough || workload === options.workloads[0]) return options;
  const only = <Item>(items: ReadonlySet<Item>, kept: readonly Item[]) =>
    new Set([...items].filter((each) => kept.includes(each)));
  return {
    ...options,
    peers: [],
    kinds: only(options.kinds, quickKinds),
    paths: only(options.paths, quickPaths),
  };
}

export async function run(options: Options, command: string, say: Say): Promise<Results> {
  const results = emptyResults(aboutThis(command, options.seed));
  const temporary = () => mkdtempSync(join(tmpdir(), 'pemba-bench-'));
  const databases = new Databases(options.data ?? temporary(), options.data !== undefined);
  try {
    for (const world of worldsOf(options)) await measureWorld(world);
    if (options.kinds.has('growth')) {
      say('growth');
      await growth(databases, options, results);
    }
  } finally {
    databases.close();
  }
  return results;

  async function measureWorld(world: WorldName): Promise<void> {
    const own = optionsOf(world.workload, options);
    const name = `${world.workload}, ${world.size.toLocaleString('en-US')} tuples`;
    say(`${name}: load`);
    const loaded = await databases.loaded(world);
    if (options.paths.has('memory') || options.paths.has('sqlite')) {
      say(`${name}: in process`);
      await answersInProcess(loaded, own, results);
    }
    say(`${name}: over the wires`);
    await answersOverWires(loaded, own, results);
    if (world.workload === options.workloads[0]) await measureFirst(world, name);
    databases.drop(loaded);
  }

  async function measureFirst(world: WorldName, name: string): Promise<void> {
    const loaded = await databases.loaded(world);
    if (options.kinds.has('growth')) await startUp(loaded, options, results);
    if (world.size !== onceSize(options)) return;
    if (options.kinds.has('workers') && options.paths.has('grpc')) {
      say(`${name}: workers`);
      await workers(loaded, options, results);
    }
    if (options.kinds.has('token') && world.workload === 'drive') {
      say(`${name}: subject tokens`);
      await subjectTokens(loaded, options.ms, results);
    }
    // Last: it writes more into the store than all before it.
    if (options.kinds.has('interference') && options.paths.has('grpc')) {
      say(`${name}: interference`);
      await interference(loaded, options, results);
    }
  }
}

/** The first workload at all sizes, the others at one of them; the largest last. */
export function worldsOf({ workloads, sizes, othersMax, seed }: Options): WorldName[] {
  const sorted = sizes.toSorted((a, b) => a - b);
  const others = sorted.findLast((size) => size <= othersMax);
  return sorted.flatMap((size) =>
    workloads
      .filter((_workload, i) => i === 0 || size === others)
      .map((workload) => ({ workload, size, seed })),
  );
}

function onceSize({ sizes }: Options): number {
  const fitting = sizes.filter((size) => size <= onceSizeMax);
  return fitting.length > 0 ? Math.max(...fitting) : Math.min(...sizes);
}
