/** Deep folders: chains of 30, documents at the bottom, one viewer at the top and one half way. */
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
type folder
  relations
    define parent: [folder]
    define viewer: [user] or viewer from parent
type document
  relations
    define parent: [folder]
    define viewer: [user] or viewer from parent
`;

const documents = 10;

export function foldersOf(depth: number): Workload {
  return {
    name: 'folders',
    about: `documents under ${depth} levels of folders`,
    at: (size, seed) =>
      worldOf(Math.max(2, Math.floor(size / (depth + 1 + documents))), depth, seed),
  };
}

function worldOf(chains: number, depth: number, seed: number): World {
  const pick = picker(seed);
  const half = Math.floor(depth / 2);
  const top = (chain: number) => `user:t${chain}`;
  const middle = (chain: number) => `user:h${chain}`;
  const document = (chain: number, i: number) => `document:${chain}-${i}`;
  const check = (subjectOf: (chain: number) => string, allowed: boolean) =>
    times(checksPerClass, () => {
      const chain = pick(chains);
      const object = document(chain, pick(documents));
      return { object, relation: 'viewer', subject: subjectOf(chain), allowed };
    });
  return {
    model,
    *tuples(): Generator<TupleText> {
      for (let chain = 0; chain < chains; chain++) {
        yield { object: `folder:${chain}-0`, relation: 'viewer', subject: top(chain) };
        yield { object: `folder:${chain}-${half}`, relation: 'viewer', subject: middle(chain) };
        for (let level = 1; level < depth; level++) {
          const [object, subject] = [`folder:${chain}-${level}`, `folder:${chain}-${level - 1}`];
          yield { object, relation: 'parent', subject };
        }
        for (let i = 0; i < documents; i++) {
          const subject = `folder:${chain}-${depth - 1}`;
          yield { object: document(chain, i), relation: 'parent', subject };
        }
      }
    },
    checks: {
      top: check(top, true),
      'half way': check(middle, true),
      negative: check((chain) => top(otherThan(chain, chains, pick)), false),
    },
    objects: times(listsPerWorld, () => {
      const chain = pick(chains);
      const objects = times(documents, (i) => document(chain, i)).sort();
      return { type: 'document', relation: 'viewer', subject: top(chain), objects };
    }),
    users: times(listsPerWorld, () => {
      const chain = pick(chains);
      const users = [top(chain), middle(chain)].sort();
      const object = document(chain, pick(documents));
      return { object, relation: 'viewer', kind: 'user', users };
    }),
    written: (name) => ({
      object: `document:new-${name}`,
      relation: 'viewer',
      subject: 'user:writer',
    }),
  };
}

export const folders = foldersOf(30);
