/**
 * Wide arrows: a document with many parents, of which one lets the user in; and double-wide ones, where
 * each of the parents has as many teams, so that a no has to look at all pairs.
 */
import {
  checksPerClass,
  listsPerWorld,
  otherThan,
  picker,
  type TupleText,
  times,
  type Workload,
  type World,
} from './workload.ts';

const model = `model
  schema 1.1
type user
type team
  relations
    define member: [user]
type folder
  relations
    define team: [team]
    define viewer: [user]
    define reader: member from team
type document
  relations
    define parent: [folder]
    define viewer: viewer from parent
    define reader: reader from parent
`;

const documents = 10;
const widthMax = 100;

function at(size: number, seed: number): World {
  // Two blocks at least: whoever is of another block is turned away.
  const width = Math.max(2, Math.min(widthMax, Math.floor(Math.sqrt(size) / 3) - documents));
  const perBlock = 2 * width * width + (documents + 1) * width;
  return worldOf(Math.max(2, Math.floor(size / perBlock)), width, seed);
}

function worldOf(blocks: number, width: number, seed: number): World {
  const pick = picker(seed);
  const folder = (block: number, f: number) => `folder:${block}-${f}`;
  const document = (block: number, i: number) => `document:${block}-${i}`;
  const viewer = (block: number, f: number) => `user:v${block}-${f}`;
  const member = (block: number, f: number, t: number) => `user:m${block}-${f}-${t}`;
  const check = (relation: string, allowed: boolean, subjectOf: (block: number) => string) =>
    times(checksPerClass, () => {
      const block = pick(blocks);
      const subject = subjectOf(allowed ? block : otherThan(block, blocks, pick));
      return { object: document(block, pick(documents)), relation, subject, allowed };
    });
  const anyMember = (block: number) => member(block, pick(width), pick(width));
  const anyViewer = (block: number) => viewer(block, pick(width));
  return {
    model,
    *tuples(): Generator<TupleText> {
      for (let block = 0; block < blocks; block++) {
        for (let f = 0; f < width; f++) {
          const object = folder(block, f);
          yield { object, relation: 'viewer', subject: viewer(block, f) };
          for (let t = 0; t < width; t++) {
            const team = `team:${block}-${f}-${t}`;
            yield { object, relation: 'team', subject: team };
            yield { object: team, relation: 'member', subject: member(block, f, t) };
          }
          for (let i = 0; i < documents; i++) {
            yield { object: document(block, i), relation: 'parent', subject: object };
          }
        }
      }
    },
    checks: {
      wide: check('viewer', true, anyViewer),
      'wide, negative': check('viewer', false, anyViewer),
      'double-wide': check('reader', true, anyMember),
      'double-wide, negative': check('reader', false, anyMember),
    },
    objects: times(listsPerWorld, () => {
      const block = pick(blocks);
      const objects = times(documents, (i) => document(block, i)).sort();
      return { type: 'document', relation: 'reader', subject: anyMember(block), objects };
    }),
    users: times(listsPerWorld, () => {
      const block = pick(blocks);
      const users = times(width, (f) => viewer(block, f)).sort();
      const object = document(block, pick(documents));
      return { object, relation: 'viewer', kind: 'user', users };
    }),
    written: (name) => ({
      ...{ object: `folder:new-${name}`, relation: 'viewer', subject: 'user:writer' },
    }),
  };
}

export const arrows: Workload = {
  name: 'arrows',
  about: 'documents with up to 100 parents, each of up to 100 teams',
  at,
};
