/** The preconditions of a write: that a tuple is there, or that none is, as the transaction sees it. */
import type Database from 'better-sqlite3';
import { Refusal } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { formatSubject } from '../../model/tuple.ts';
import type { Precondition, TupleFilter } from '../datastore.ts';
import type { TupleTarget } from './apply-tuples.ts';
import {
  isLive,
  type Range,
  rangeKey,
  rangeOf,
  rangeSql,
  rangeValues,
  valuesOf,
  wantedIds,
} from './tuple-range.ts';

/** Refusal for the first one that does not hold, or that takes too much to tell. */
export type RefuseUnmet = (target: TupleTarget, preconditions: readonly Precondition[]) => void;

export function createPreconditions(database: Database.Database): RefuseUnmet {
  const statements = new Map<string, Database.Statement<number[], number>>();

  function statementOf(range: Range) {
    const key = rangeKey(range);
    let statement = statements.get(key);
    if (statement === undefined) {
      statement = database.prepare<number[], number>(sqlOf(range)).pluck();
      statements.set(key, statement);
    }
    return statement;
  }

  /** Looks at the tuples of the range one by one, each of them counted. */
  function matches(
    { store, at, interner }: TupleTarget,
    filter: TupleFilter,
    look: () => void,
  ): boolean {
    const wanted = wantedIds(interner.found, filter);
    if (wanted === undefined) return false;
    const range = rangeOf(wanted);
    const values = [...valuesOf(wanted, range.rest), at, ...rangeValues(store, wanted, range)];
    for (const isMatch of statementOf(range).iterate(...values)) {
      look();
      if (isMatch === 1) return true;
    }
    return false;
  }

  return (target, preconditions) => {
    let looks = 0;
    for (const [index, precondition] of preconditions.entries()) {
      const { filter, must } = precondition;
      const found = matches(target, filter, () => {
        looks += 1;
        if (looks > limits.preconditionScanMax) throw tooMany(filter, index + 1);
      });
      if (found !== (must === 'exist')) throw unmet(precondition, index + 1);
    }
  };
}

/** A row for each tuple of the range: whether it has not expired, and the rest of the filter too. */
function sqlOf(range: Range): string {
  const { from, where, restIs } = rangeSql(range);
  return `SELECT ${restIs} AND ${isLive} FROM ${from} WHERE ${where}`;
}

/** All writers wait meanwhile. */
function tooMany(filter: TupleFilter, number: number): Refusal {
  return new Refusal(
    'resource_exhausted',
    `precondition ${number} takes too long to tell: with ${filterWords(filter)} a write would look at more than ${limits.preconditionScanMax} tuples; name an object with its relation, or a subject with the type of its objects`,
  );
}

/** Counted from 1, as people do. */
function unmet({ filter, must }: Precondition, number: number): Refusal {
  const found = must === 'exist' ? 'there is no tuple' : 'there is a tuple';
  return new Refusal(
    'failed_precondition',
    `precondition ${number} does not hold: ${found} with ${filterWords(filter)}; nothing was written`,
  );
}

function filterWords(filter: TupleFilter): string {
  const { objectType, objectId, relation, subject, subjectType } = filter;
  const object = objectId === undefined ? undefined : `${objectType}:${objectId}`;
  const parts: readonly (readonly [string, string | undefined])[] = [
    ['object', object],
    ['object type', object === undefined ? objectType : undefined],
    ['relation', relation],
    ['subject', subject === undefined ? undefined : formatSubject(subject)],
    ['subject type', subjectType],
  ];
  const named = parts.flatMap(([name, text]) => (text === undefined ? [] : `${name} \`${text}\``));
  return named.length === 0 ? 'any key' : named.join(', ');
}
