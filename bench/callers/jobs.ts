/** The jobs of a world: which operations are asked in turn, for each kind of figure. */
import { limits } from '../../src/base/limits.ts';
import type { Job } from '../measure/closed-loop.ts';
import { type CheckQuestion, picker, times, type World } from '../workloads/workload.ts';
import type { Caller, Operation } from './caller.ts';

/** `check:CLASS` asks the questions of one class, `check` those of all. */
export type JobName =
  | 'check'
  | `check:${string}`
  | 'batch'
  | 'objects'
  | 'users'
  | 'write'
  | 'mixed';

/** One in so many operations of `mixed` is a write. */
const writeEvery = 20;
const batch = limits.batchChecksMax;

export function jobNames(world: World): JobName[] {
  return Object.keys(world.checks).map((name): JobName => `check:${name}`);
}

export function jobOf(
  world: World,
  name: JobName,
  caller: Caller,
  listMax: number = limits.listResultsMax,
): Job {
  const operations = operationsOf(world, name, listMax);
  return {
    asks: operations.map((operation) => caller.prepare(operation)),
    answersEach: name === 'batch' ? batch : 1,
  };
}

/** Only whole lists are compared: one that is longer than the wire's longest would be cut. */
export function listsWithin<
  List extends { objects: readonly string[] } | { users: readonly string[] },
>(lists: readonly List[], most: number): readonly List[] {
  return lists.filter((list) => namesOf(list).length <= most);
}

function namesOf(list: { objects: readonly string[] } | { users: readonly string[] }) {
  return 'objects' in list ? list.objects : list.users;
}

function operationsOf(world: World, name: JobName, listMax: number): Operation[] {
  const all = () => shuffled(Object.values(world.checks).flat());
  switch (name) {
    case 'batch': {
      const questions = all();
      return times(40, (i) => questions.slice(i * batch, (i + 1) * batch))
        .filter((part) => part.length === batch)
        .map((part) => ({ kind: 'batch', questions: part }));
    }
    case 'objects':
      return listsWithin(world.objects, listMax).map((question) => ({ kind: 'objects', question }));
    case 'users':
      return listsWithin(world.users, listMax).map((question) => ({ kind: 'users', question }));
    case 'write':
      return [{ kind: 'write', tuple: freshTuples(world) }];
    case 'mixed': {
      const write: Operation = { kind: 'write', tuple: freshTuples(world) };
      return all().map((question, i) => (i % writeEvery === 0 ? write : check(question)));
    }
    case 'check':
      return all().map(check);
    default:
      return (world.checks[name.slice('check:'.length)] ?? []).map(check);
  }
}

function check(question: CheckQuestion): Operation {
  return { kind: 'check', question };
}

/** Names that no earlier run over the same database used. */
function freshTuples(world: World): () => ReturnType<World['written']> {
  const run = `${Date.now().toString(36)}-${Math.floor(performance.now() * 1_000).toString(36)}`;
  let next = 0;
  return () => world.written(`${run}-${next++}`);
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  const pick = picker(items.length);
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = pick(i + 1);
    [copy[i], copy[j]] = [copy[j] as Item, copy[i] as Item];
  }
  return copy;
}
