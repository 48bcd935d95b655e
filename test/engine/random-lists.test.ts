/**
 * The exact lists over random systems: for every subject, object and relation, what can be read off
 * the rows is what a check says, no matter which cycles, wildcards and open conditions there are.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { createWalk } from '../../src/engine/check.ts';
import type { Row } from '../../src/engine/findings.ts';
import { type ObjectRow, objectsOf } from '../../src/engine/objects-of.ts';
import { type SubjectRow, subjectsOf } from '../../src/engine/subjects-of.ts';
import type { CompiledModel } from '../../src/model/compiled.ts';
import { formatObject, formatSubject, type Tuple } from '../../src/model/tuple.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import type { TupleReader } from '../../src/storage/tuple-reader.ts';
import { RandomSource } from '../oracle/random-source.ts';
import { objects, relations } from './naive.ts';
import { modelFor, randomSystem, textOf } from './systems.ts';
import { answerOf, subjectOf, tupleOf, World, whole } from './world.ts';

const systems = 400;
const subjects = [
  ...['user:a', 'user:b', 'user:*', 'user:unseen'],
  ...objects,
  ...objects.flatMap((object) => relations.map((relation) => `${object}#${relation}`)),
];

type Said = 'allowed' | 'denied' | 'validation_error';

describe('random systems', () => {
  const tally = { allowed: 0, denied: 0, validation_error: 0, except: 0, 'wildcard and others': 0 };
  afterAll(() => {
    for (const [what, times] of Object.entries(tally)) expect(times, what).toBeGreaterThan(3);
  });

  for (const guards of [false, true]) {
    it(`list what a check allows${guards ? ', conditions included' : ''}`, async () => {
      const datastore = await openSqlite({ path: ':memory:', clock: systemClock });
      for (let seed = 0; seed < systems; seed++) {
        const random = new RandomSource(seed + (guards ? 2_000_000 : 3_000_000));
        const system = randomSystem(random, guards);
        const texts = system.facts.map(textOf);
        // Some of them come with the request, and some of those are stored too, guarded otherwise.
        const contextual = texts.filter(() => random.chance(0.2));
        const stored = texts.filter((text) => !contextual.includes(text) || random.chance(0.3));
        const tuples = random.chance(0.5) ? texts : stored;
        const world = await World.add(datastore, {
          number: seed,
          model: modelFor(system),
          tuples,
        });
        const contextualTuples = tuples === texts ? [] : contextual.map(tupleOf);
        world.view((reader, model) => compare(reader, model, contextualTuples, `seed ${seed}`));
      }
      await datastore.close();
    });
  }

  function compare(
    reader: TupleReader,
    model: CompiledModel,
    contextualTuples: readonly Tuple[],
    seed: string,
  ): void {
    const common = { contextualTuples, context: {}, now: 0, depthMax: 60 };
    const asked = relations.map((relation) => model.relationIndex('node', relation));
    const kinds = [
      { type: 'user', relation: '' },
      { type: 'node', relation: '' },
      ...relations.map((relation) => ({ type: 'node', relation })),
    ];
    const listed = new Map(
      objects.map((text) => {
        const [type = '', id = ''] = text.split(':');
        const request = { ...common, object: { type, id }, relations: asked, kinds };
        return [text, whole(subjectsOf(reader, model, request))];
      }),
    );
    for (const text of subjects) {
      const subject = subjectOf(text);
      const request = { ...common, subject, relations: asked, scope: undefined };
      const rows = whole(objectsOf(reader, model, request));
      const walk = createWalk(reader, model, { ...common, subject });
      for (const object of objects) {
        for (const relation of relations) {
          const what = `${seed}: ${object}#${relation}@${text}`;
          const { object: ref } = tupleOf(`${object}#${relation}@user:a`);
          const expected = answerOf(walk.check(ref, relation));
          expect(saidOfObject(rows, object, relation), `${what}, objects`).toBe(expected);
          const said = saidOfSubject(listed.get(object) ?? [], text, relation);
          expect(said, `${what}, subjects`).toBe(expected);
          tally[said]++;
        }
      }
    }
    for (const rows of listed.values()) {
      tally.except += rows.filter(({ except }) => except.length > 0).length;
      if (rows[0]?.subject.id === '*' && rows[1]?.subject.type === 'user') {
        tally['wildcard and others']++;
      }
    }
  }
});

function saidOfObject(rows: readonly ObjectRow[], object: string, relation: string): Said {
  return saidBy(
    rows.find((row) => formatObject(row.object) === object),
    relation,
  );
}

/** As the documentation says how to read a list: the own row, else the wildcard's if not left out. */
function saidOfSubject(rows: readonly SubjectRow[], subject: string, relation: string): Said {
  const own = rows.find((row) => formatSubject(row.subject) === subject);
  if (own !== undefined) return saidBy(own, relation);
  const [type = '', id = ''] = subject.split(':');
  if (subject.includes('#')) return 'denied';
  const wildcard = rows.find((row) => formatSubject(row.subject) === `${type}:*`);
  return wildcard?.except.includes(id) === true ? 'denied' : saidBy(wildcard, relation);
}

function saidBy(row: Row | undefined, relation: string): Said {
  if (row === undefined) return 'denied';
  if (row.unanswered.some((each) => each.relation === relation)) return 'validation_error';
  return row.relations.includes(relation) ? 'allowed' : 'denied';
}
