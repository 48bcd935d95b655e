/** The requests of steps that write, over a pool of tuples that they share. */
import { type PlainTuple, typeOf } from './facts.ts';
import type { Filter, TuplesStep, WriteStep } from './plan.ts';
import type { RandomSource } from './random-source.ts';
import { inPemba, keyOnly, wire } from './served-world.ts';
import { isImplicit, keyOf, randomTuple, type World } from './world.ts';

export interface WriteRequest {
  readonly method: 'write' | 'writeTuples';
  readonly request: object;
  readonly writes: readonly PlainTuple[];
}

/** REQUIRES: a pool that is not empty. */
export class TuplePool {
  readonly tuples: readonly PlainTuple[];

  constructor(tuples: readonly PlainTuple[]) {
    this.tuples = tuples;
  }

  /** Undefined where there is nothing to write. */
  write(step: WriteStep): WriteRequest | undefined {
    const { writes, deletes } = this.pick(step);
    if (writes.length + deletes.length === 0) return undefined;
    const choice = step.ignore ? 'ignore' : 'error';
    const request = {
      ...(writes.length > 0 && { writes: { tuple_keys: writes.map(wire), on_duplicate: choice } }),
      ...(deletes.length > 0 && {
        deletes: { tuple_keys: deletes.map(keyOnly), on_missing: choice },
      }),
    };
    return { method: 'write', request, writes };
  }

  writeTuples(step: TuplesStep): WriteRequest | undefined {
    const { writes, deletes } = this.pick(step);
    if (writes.length + deletes.length === 0) return undefined;
    const { duplicate, missing, only, key } = step;
    const request = {
      writes: writes.map(inPemba),
      deletes: deletes.map(({ subject, relation, object }) => ({ subject, relation, object })),
      on_duplicate: `ON_DUPLICATE_${duplicate}`,
      on_missing: `ON_MISSING_${missing}`,
      ...(only && {
        preconditions: [
          {
            requirement: `REQUIREMENT_MUST_${only.exists ? 'EXIST' : 'NOT_EXIST'}`,
            filter: this.filter(only.filter),
          },
        ],
      }),
      ...(key > 0 && { idempotency_key: `key ${key}` }),
    };
    return { method: 'writeTuples', request, writes };
  }

  filter({ like, by }: Filter): object {
    const { object, relation, subject } = this.at(like);
    if (by === 'object') return { object };
    if (by === 'subject') return { subject };
    // By no order of the keys do these stand side by side.
    if (by === 'kind') return { object, subject_type: typeOf(subject) };
    return { object, relation, subject };
  }

  /** What the tuple grants, to somebody whom it is about: a member where it names a userset. */
  granted(index: number): Pick<PlainTuple, 'object' | 'relation' | 'subject'> {
    const { object, relation, subject } = this.at(index);
    const seen = new Set<string>();
    let somebody = subject;
    while (somebody.includes('#') && !seen.has(somebody)) {
      seen.add(somebody);
      const [group, as] = somebody.split('#');
      const members = this.tuples.filter((tuple) => tuple.object === group);
      const member = members.find((tuple) => tuple.relation === as) ?? members[0];
      somebody = member?.subject ?? somebody;
    }
    return { object, relation, subject: somebody };
  }

  private at(index: number): PlainTuple {
    return this.tuples[index % this.tuples.length] as PlainTuple;
  }

  /** No key twice. */
  private pick(step: Pick<WriteStep, 'writes' | 'deletes'>) {
    const taken = new Set<string>();
    const distinct = (indexes: readonly number[]) =>
      indexes
        .map((index) => this.at(index))
        .filter((tuple) => !taken.has(keyOf(tuple)) && taken.add(keyOf(tuple)));
    return { writes: distinct(step.writes), deletes: distinct(step.deletes) };
  }
}

/** Those of the world first, of any of its models, then others of the same keys, guarded otherwise. */
export function tuplePool(random: RandomSource, world: World): TuplePool {
  const more = Array.from({ length: 30 }, () =>
    randomTuple(random, random.pick(world.models), world.ids),
  );
  const stored = world.stored.map(({ tuple }) => tuple);
  const otherwise = stored.flatMap(({ condition, ...key }) =>
    condition === undefined ? [] : [{ ...key, condition: { ...condition, context: {} } }],
  );
  const all = [...stored, ...more, ...otherwise];
  return new TuplePool(
    all.filter((tuple) => tuple !== undefined && !isImplicit(tuple)) as PlainTuple[],
  );
}
