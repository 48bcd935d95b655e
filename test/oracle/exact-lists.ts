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
import { typeOf } from './facts.ts';
import type { ServedWorld } from './served-world.ts';

/** Pages this small have cursors in many lists. */
const pageSize = 20;

type Rows<Row> = ReadonlyMap<string, Row> | Answer;

export function askExactObjects(
  served: ServedWorld,
  asked: readonly Asked[],
): Promise<readonly Answer[]> {
  const query = queryOf(served, settingOf(served, asked));
  const listed = memoized((subject = '') =>
    rowsOf(allObjects(served, { ...query, subject, page_size: pageSize }), (row) => row.object),
  );
  return inTurn(asked, async ({ object, relation, subject }) => {
    const rows = await listed(subject);
    return typeof rows === 'string' ? rows : saidBy(rows.get(object), relation);
  });
}

export function askExactSubjects(
  served: ServedWorld,
  asked: readonly Asked[],
): Promise<readonly Answer[]> {
  const query = queryOf(served, settingOf(served, asked));
  const listed = memoized((object = '') =>
    rowsOf(allSubjects(served, { ...query, object, page_size: pageSize }), (row) => row.subject),
  );
  return inTurn(asked, async ({ object, relation, subject }) => {
    const rows = await listed(object);
    if (typeof rows === 'string') return rows;
    const own = rows.get(subject);
    if (own !== undefined || subject.includes('#')) return saidBy(own, relation);
    const wildcard = rows.get(`${typeOf(subject)}:*`);
    return wildcard?.except.includes(subject) === true ? 'denied' : saidBy(wildcard, relation);
  });
}

export function allObjects(served: ServedWorld, request: object): Promise<ListedObject[]> {
  return allPages(served, async (cursor) => {
    const page = await served.caller.call('pemba.listObjects', { ...request, cursor });
    const { objects, ...rest } = page as ListObjectsResponse;
    return { rows: objects, ...rest };
  });
}

export function allSubjects(served: ServedWorld, request: object): Promise<ListedSubject[]> {
  return allPages(served, async (cursor) => {
    const page = await served.caller.call('listSubjects', { ...request, cursor });
    const { subjects, ...rest } = page as ListSubjectsResponse;
    return { rows: subjects, ...rest };
  });
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

async function rowsOf<Row>(
  list: Promise<readonly Row[]>,
  nameOf: (row: Row) => string,
): Promise<Rows<Row>> {
  try {
    const rows = await list;
    namedOnce(rows.map(nameOf));
    return new Map(rows.map((row) => [nameOf(row), row]));
  } catch (error) {
    return answerOf(error);
  }
}

function saidBy(row: ListedObject | ListedSubject | undefined, relation: string): Answer {
  const without = row?.unanswered.find((each) => each.relation === relation);
  if (without !== undefined) return answerTo(without.code);
  return row?.relations.includes(relation) === true ? 'allowed' : 'denied';
}
