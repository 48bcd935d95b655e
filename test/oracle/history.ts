/**
 * What a store went through: its commits in the order in which they were submitted, each with what
 * it came to, and the states between them. Knows storage's contract, and nothing of its code.
 */
import { canonicalJson } from '../../src/base/json.ts';
import { type BareTuple, formatObject, formatSubject } from '../../src/model/tuple.ts';
import type { TupleFilter, TupleWrite } from '../../src/storage/datastore.ts';
import { type PlainModel, type PlainTuple, typeOf } from './facts.ts';
import { keyOf } from './world.ts';

export type Change =
  | { readonly kind: 'tuples'; readonly write: TupleWrite }
  | { readonly kind: 'model'; readonly id: string; readonly model: PlainModel }
  /** All tuples that match, in one round. */
  | { readonly kind: 'deletion'; readonly filter: TupleFilter }
  | { readonly kind: 'delete' };

export interface Commit {
  readonly change: Change;
  /**
   * The revision that it came to, in words where there is more to say; or the code of its refusal.
   * Undefined while it is under way.
   */
  result: number | string | undefined;
}

/** A store between two commits. */
export interface State {
  /** How often it was deleted before: revisions begin anew then. */
  readonly life: number;
  readonly revision: number;
  readonly models: readonly { readonly id: string; readonly model: PlainModel }[];
  readonly tuples: ReadonlyMap<string, PlainTuple>;
  /** By idempotency key: what the write said, and the revision that it came to. */
  readonly done: ReadonlyMap<string, { readonly said: string; readonly revision: number }>;
}

const unborn: State = { life: 0, revision: 0, models: [], tuples: new Map(), done: new Map() };

/** The result of a write that was done before. */
export function again(revision: number): string {
  return `done before, in ${revision}`;
}

/** The result of a deletion by filter. */
export function gone(deleted: number, revision: number): string {
  return `${deleted} deleted, at ${revision}`;
}

export class History {
  readonly commits: Commit[] = [];
  /** So many of them, from the first, are known to a client to be done. */
  acknowledged = 0;
  /** What storage itself refused. */
  readonly refusals = new WeakSet<Error>();

  submit(change: Change): Commit {
    const commit: Commit = { change, result: undefined };
    this.commits.push(commit);
    return commit;
  }

  /** The states before the first commit, after it, and so on. Throws where a commit lied. */
  states(): State[] {
    const states = [unborn];
    for (const [index, { change, result }] of this.commits.entries()) {
      const before = states[index] as State;
      const { state, result: owed } = apply(before, change);
      if (result !== owed) {
        throw new Error(
          `commit ${index} (${change.kind}) came to ${result}, not ${owed}, at revision ${before.revision}`,
        );
      }
      states.push(state);
    }
    return states;
  }
}

interface Applied {
  readonly state: State;
  readonly result: number | string;
}

function apply(state: State, change: Change): Applied {
  switch (change.kind) {
    case 'delete':
      return { state: { ...unborn, life: state.life + 1 }, result: 0 };
    case 'model': {
      const models = [...state.models, { id: change.id, model: change.model }];
      return changed(state, { models });
    }
    case 'deletion': {
      const left = [...state.tuples].filter(([, tuple]) => !matches(change.filter, tuple));
      const deleted = state.tuples.size - left.length;
      const after = deleted === 0 ? state : changed(state, { tuples: new Map(left) }).state;
      return { state: after, result: gone(deleted, after.revision) };
    }
    case 'tuples':
      return applyOnce(state, change.write);
  }
}

function changed(state: State, change: Partial<State>): Applied {
  const revision = state.revision + 1;
  return { state: { ...state, ...change, revision }, result: revision };
}

/** A write that was refused leaves its key free. */
function applyOnce(state: State, { idempotencyKey: key, ...write }: TupleWrite): Applied {
  if (key === undefined) return applyTuples(state, write);
  const said = JSON.stringify(write);
  const before = state.done.get(key);
  if (before !== undefined) {
    const isSame = before.said === said;
    return { state, result: isSame ? again(before.revision) : 'validation_error' };
  }
  const { state: after, result } = applyTuples(state, write);
  if (typeof result === 'string') return { state, result };
  const done = new Map([...after.done, [key, { said, revision: result }]]);
  return { state: { ...after, done }, result };
}

function applyTuples(state: State, write: TupleWrite): Applied {
  const refused = (result: string): Applied => ({ state, result });
  const present = [...state.tuples.values()];
  for (const { filter, must } of write.preconditions ?? []) {
    const exists = present.some((tuple) => matches(filter, tuple));
    if (exists !== (must === 'exist')) return refused('failed_precondition');
  }
  const tuples = new Map(state.tuples);
  let changes = 0;
  for (const tuple of write.deletes) {
    if (tuples.delete(keyOf(plainOf(tuple)))) changes++;
    else if (write.onMissing === 'error') return refused('write_failed_due_to_invalid_input');
  }
  for (const { condition, ...key } of write.writes) {
    const bare = plainOf(key);
    const plain = condition === undefined ? bare : { ...bare, condition };
    const before = tuples.get(keyOf(plain));
    if (before !== undefined && write.onDuplicate === 'error') {
      return refused('write_failed_due_to_invalid_input');
    }
    if (before !== undefined && guardText(before) === guardText(plain)) continue;
    if (before !== undefined && write.onDuplicate === 'ignore') return refused('aborted');
    tuples.set(keyOf(plain), plain);
    changes++;
  }
  return changes === 0 ? { state, result: state.revision } : changed(state, { tuples });
}

function matches(filter: TupleFilter, { object, relation, subject }: PlainTuple): boolean {
  const { objectType, objectId, subjectType } = filter;
  return (
    (objectType === undefined || typeOf(object) === objectType) &&
    (objectId === undefined || object === `${objectType}:${objectId}`) &&
    (filter.relation === undefined || relation === filter.relation) &&
    (filter.subject === undefined || subject === formatSubject(filter.subject)) &&
    (subjectType === undefined || typeOf(subject) === subjectType)
  );
}

export function plainOf({ object, relation, subject }: BareTuple): PlainTuple {
  return { object: formatObject(object), relation, subject: formatSubject(subject) };
}

function guardText({ condition }: PlainTuple): string {
  return condition === undefined ? '' : canonicalJson([condition.name, condition.context]);
}
