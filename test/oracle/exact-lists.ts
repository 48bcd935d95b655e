/** Reads the answer to a question off the exact lists of `pemba.v1`, as their documentation says. */
import { assert } from '../../src/base/assert.ts';
import type { ListedObject, ListedSubject } from '../../src/gen/pemba/v1/query_service_pb.ts';
import { type Outcome, type Question, typeOf } from './facts.ts';

/** An outcome, or the code of a refusal. */
export type ExactAnswer = Outcome | `refused: ${string}`;

export interface ExactLists {
  /** What an error of this code is. */
  answerTo(code: string): ExactAnswer;
  objects(subject: string): readonly ListedObject[];
  subjects(object: string): readonly ListedSubject[];
}

export function allPages<Row>(
  read: (cursor: string) => { readonly rows: readonly Row[]; readonly cursor: string },
): readonly Row[] {
  const all: Row[] = [];
  for (let cursor = ''; ; ) {
    const page = read(cursor);
    all.push(...page.rows);
    cursor = page.cursor;
    if (cursor === '') return all;
  }
}

/** REQUIRES: questions about one subject. */
export function askPembaObjects(
  lists: ExactLists,
  questions: readonly Question[],
): readonly ExactAnswer[] {
  const [{ subject } = { subject: '' }] = questions;
  const rows = byName(lists.objects(subject), (row) => row.object);
  return questions.map(({ object, relation }) => saidBy(lists, rows.get(object), relation));
}

export function askPembaSubjects(
  lists: ExactLists,
  questions: readonly Question[],
): readonly ExactAnswer[] {
  const known = new Map<string, Map<string, ListedSubject>>();
  return questions.map(({ object, relation, subject }) => {
    const rows = known.get(object) ?? byName(lists.subjects(object), (row) => row.subject);
    known.set(object, rows);
    const own = rows.get(subject);
    if (own !== undefined || subject.includes('#')) return saidBy(lists, own, relation);
    const wildcard = rows.get(`${typeOf(subject)}:*`);
    return wildcard?.except.includes(subject) === true
      ? 'denied'
      : saidBy(lists, wildcard, relation);
  });
}

function byName<Row>(rows: readonly Row[], nameOf: (row: Row) => string): Map<string, Row> {
  const map = new Map(rows.map((row) => [nameOf(row), row]));
  assert(map.size === rows.length, 'nothing is listed twice');
  return map;
}

function saidBy(
  lists: ExactLists,
  row: ListedObject | ListedSubject | undefined,
  relation: string,
): ExactAnswer {
  const without = row?.unanswered.find((each) => each.relation === relation);
  if (without !== undefined) return lists.answerTo(without.code);
  return row?.relations.includes(relation) === true ? 'allowed' : 'denied';
}
