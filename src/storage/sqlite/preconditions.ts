/** The preconditions of a write: that a tuple is there, or that none is, as the transaction sees it. */
import type Database from 'better-sqlite3';
import { Refusal } from '../../base/errors.ts';
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

/** Refusal `failed_precondition` for the first one that does not hold. */
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

  function matches({ store, at, interner }: TupleTarget, filter: TupleFilter): boolean {
    const wanted = wantedIds(interner.found, filter);
    if (wanted === undefined) return false;
    const range = rangeOf(wanted);
    const values = [...rangeValues(store, wanted, range), ...valuesOf(wanted, range.rest), at];
    return statementOf(range).get(...values) !== undefined;
  }

  return (target, preconditions) => {
    for (const [index, precondition] of preconditions.entries()) {
      const { filter, must } = precondition;
      if (matches(target, filter) !== (must === 'exist')) throw unmet(precondition, index + 1);
    }
  };
}

function sqlOf(range: Range): string {
  const { from, where, restIs } = rangeSql(range);
  return `SELECT 1 FROM ${from} WHERE ${where} AND ${restIs} AND ${isLive} LIMIT 1`;
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
