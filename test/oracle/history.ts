/**
 * What a store went through: its commits in the order in which they were submitted, each with what
 * it came to, and the states between them. Knows storage's contract, and nothing of its code.
 */
import { canonicalJson } from '../../src/base/json.ts';
import { type BareTuple, formatObject, formatSubject } from '../../src/model/tuple.ts';
import type { TupleWrite } from '../../src/storage/datastore.ts';
import type { PlainModel, PlainTuple } from './facts.ts';
import { keyOf } from './world.ts';

export type Change =
  | { readonly kind: 'tuples'; readonly write: TupleWrite }
  | { readonly kind: 'model'; readonly id: string; readonly model: PlainModel }
  | { readonly kind: 'delete' };

export interface Commit {
  readonly change: Change;
  /** The revision that it returned, or the code of its refusal; undefined while it is under way. */
  result: number | string | undefined;
}

/** A store between two commits. */
export interface State {
  /** How often it was deleted before: revisions begin anew then. */
  readonly life: number;
  readonly revision: number;
  readonly models: readonly { readonly id: string; readonly model: PlainModel }[];
  readonly tuples: ReadonlyMap<string, PlainTuple>;
}

const unborn: State = { life: 0, revision: 0, models: [], tuples: new Map() };

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
      const after = apply(before, change);
      const owed = typeof after === 'string' ? after : after.revision;
      if (result !== owed) {
        throw new Error(
          `commit ${index} (${change.kind}) came to ${result}, not ${owed}, at revision ${before.revision}`,
        );
      }
      states.push(typeof after === 'string' ? before : after);
    }
    return states;
  }
}

/** The next state, or the code of the refusal. */
function apply(state: State, change: Change): State | string {
  switch (change.kind) {
    case 'delete':
      return { ...unborn, life: state.life + 1 };
    case 'model': {
      const models = [...state.models, { id: change.id, model: change.model }];
      return { ...state, revision: state.revision + 1, models };
    }
    case 'tuples':
      return applyTuples(state, change.write);
  }
}

function applyTuples(state: State, write: TupleWrite): State | string {
  const tuples = new Map(state.tuples);
  let changes = 0;
  for (const tuple of write.deletes) {
    if (tuples.delete(keyOf(plainOf(tuple)))) changes++;
    else if (write.onMissing === 'error') return 'write_failed_due_to_invalid_input';
  }
  for (const { condition, ...key } of write.writes) {
    const bare = plainOf(key);
    const plain = condition === undefined ? bare : { ...bare, condition };
    const present = tuples.get(keyOf(plain));
    if (present === undefined) {
      tuples.set(keyOf(plain), plain);
      changes++;
    } else if (write.onDuplicate === 'error') {
      return 'write_failed_due_to_invalid_input';
    } else if (guardText(present) !== guardText(plain)) return 'aborted';
  }
  return changes === 0 ? state : { ...state, revision: state.revision + 1, tuples };
}

export function plainOf({ object, relation, subject }: BareTuple): PlainTuple {
  return { object: formatObject(object), relation, subject: formatSubject(subject) };
}

function guardText({ condition }: PlainTuple): string {
  return condition === undefined ? '' : canonicalJson([condition.name, condition.context]);
}
