/** Reads the answer to a question off the exact lists of `pemba.v1`, as their documentation says. */
import { Refusal } from '../../src/base/errors.ts';
import type {
  ListedObject,
  ListedSubject,
  ListObjectsResponse,
  ListSubjectsResponse,
} from '../../src/gen/pemba/v1/query_service_pb.ts';
import {
  type Answer,
  type Asked,
  answerOf,
  answerTo,
  inTurn,
  memoized,
  namedOnce,
  queryOf,
  settingOf,
} from './asked.ts';
import { type Question, typeOf } from './facts.ts';
import type { ServedWorld } from './served-world.ts';

/** Pages this small have cursors in many lists. */
const pageSize = 20;

export function askExactObjects(
  served: ServedWorld,
  asked: readonly Asked[],
): Promise<readonly Answer[]> {
  const query = queryOf(served, settingOf(served, asked));
  const listed = memoized((subject = '') =>
    refusalIn(objectsByName(served, { ...query, subject, page_size: pageSize })),
  );
  return inTurn(asked, async (question) => {
    const rows = await listed(question.subject);
    return typeof rows === 'string' ? rows : saidOfObject(rows, question);
  });
}

export function askExactSubjects(
  served: ServedWorld,
  asked: readonly Asked[],
): Promise<readonly Answer[]> {
  const query = queryOf(served, settingOf(served, asked));
  const listed = memoized((object = '') =>
    refusalIn(subjectsByName(served, { ...query, object, page_size: pageSize })),
  );
  return inTurn(asked, async (question) => {
    const rows = await listed(question.object);
    return typeof rows === 'string' ? rows : saidOfSubject(rows, question);
  });
}

/** What a list of the subject's objects says. */
export function saidOfObject(
  rows: ReadonlyMap<string, ListedObject>,
  { object, relation }: Question,
): Answer {
  return saidBy(rows.get(object), relation);
}

/** What a list of the object's subjects says. */
export function saidOfSubject(
  rows: ReadonlyMap<string, ListedSubject>,
  { relation, subject }: Question,
): Answer {
  const own = rows.get(subject);
  if (own !== undefined || subject.includes('#')) return saidBy(own, relation);
  const wildcard = rows.get(`${typeOf(subject)}:*`);
  return wildcard?.except.includes(subject) === true ? 'denied' : saidBy(wildcard, relation);
}

/** All rows of all pages. A list that names something twice is a bug. */
export async function objectsByName(
  served: ServedWorld,
  request: object,
): Promise<ReadonlyMap<string, ListedObject>> {
  const rows = await allPages(served, async (cursor) => {
    const page = await served.caller.call('pemba.listObjects', { ...request, cursor });
    const { objects, ...rest } = page as ListObjectsResponse;
    return { rows: objects, ...rest };
  });
  namedOnce(rows.map(({ object }) => object));
  return new Map(rows.map((row) => [row.object, row]));
}

export async function subjectsByName(
  served: ServedWorld,
  request: object,
): Promise<ReadonlyMap<string, ListedSubject>> {
  const rows = await allPages(served, async (cursor) => {
    const page = await served.caller.call('listSubjects', { ...request, cursor });
    const { subjects, ...rest } = page as ListSubjectsResponse;
    return { rows: subjects, ...rest };
  });
  namedOnce(rows.map(({ subject }) => subject));
  return new Map(rows.map((row) => [row.subject, row]));
}

interface PageOf<Row> {
  readonly rows: readonly Row[];
  readonly cursor: string;
}

/** Others may write between two pages; a list that is gone with its store is begun again. */
async function allPages<Row>(
  { shared, pause }: ServedWorld,
  read: (cursor: string) => Promise<PageOf<Row>>,
): Promise<Row[]> {
  let all: Row[] = [];
  for (let cursor = ''; ; ) {
    let page: PageOf<Row>;
    try {
      page = await read(cursor);
    } catch (error) {
      if (shared !== true || cursor === '' || !(error instanceof Refusal)) throw error;
      [all, cursor] = [[], ''];
      continue;
    }
    all.push(...page.rows);
    cursor = page.cursor;
    if (cursor === '') return all;
    await pause?.();
  }
}

async function refusalIn<Rows>(list: Promise<Rows>): Promise<Rows | Answer> {
  try {
    return await list;
  } catch (error) {
    return answerOf(error);
  }
}

function saidBy(row: ListedObject | ListedSubject | undefined, relation: string): Answer {
  const without = row?.unanswered.find((each) => each.relation === relation);
  if (without !== undefined) return answerTo(without.code);
  return row?.relations.includes(relation) === true ? 'allowed' : 'denied';
}
