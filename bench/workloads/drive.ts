/**
 * A document drive: three levels of nested groups, chains of six folders, documents with an owner, a
 * viewer and sometimes a group. The model and the shape of the data are those of most published
 * figures of this field.
 */
import {
  type CheckQuestion,
  checksPerClass,
  listsPerWorld,
  otherThan,
  picker,
  type TupleText,
  times,
  type UsersQuestion,
  type Workload,
  type World,
} from './workload.ts';

const model = `model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
type folder
  relations
    define parent: [folder]
    define owner: [user]
    define editor: [user, group#member] or owner or editor from parent
    define viewer: [user, group#member] or editor or viewer from parent
type document
  relations
    define parent: [folder]
    define owner: [user]
    define editor: [user, group#member] or owner or editor from parent
    define viewer: [user, group#member] or editor or viewer from parent
`;

const membersPerGroup = 20;
const folderDepth = 6;
/** The most that a list in pages may have. */
const hugeListMax = 100_000;
const perList = 1_000;

class Drive implements World {
  readonly model = model;
  readonly checks: World['checks'];
  readonly objects: World['objects'];
  readonly users: World['users'];
  readonly hugeList: World['objects'][number];
  private readonly chains: number;
  private readonly roots: number;
  private readonly documents: number;
  private readonly owners: number;
  private readonly viewers: number;
  /** The first so many roots have the auditor as a viewer. */
  private readonly audited: number;

  constructor(size: number, seed: number) {
    this.chains = Math.max(3, Math.floor(size / 400));
    this.roots = Math.max(3, Math.floor(size / 200));
    const fixed = this.chains * (membersPerGroup + 2) + this.roots * folderDepth;
    this.documents = Math.max(12, Math.floor(((size - fixed) * 4) / 13));
    this.owners = Math.max(3, Math.floor(size / 20));
    this.viewers = Math.max(2, Math.ceil(this.documents / perList));
    const perRoot = Math.ceil(this.documents / this.roots);
    this.audited = Math.min(this.roots, Math.floor(hugeListMax / perRoot));
    const pick = picker(seed);
    this.checks = this.makeChecks(pick);
    this.objects = this.makeObjects(pick);
    this.users = times(listsPerWorld, () => this.usersOf(pick(this.documents)));
    this.hugeList = {
      ...{ type: 'document', relation: 'viewer', subject: 'user:auditor' },
      objects: this.documentsWhere((document) => document % this.roots < this.audited),
    };
  }

  *tuples(): Generator<TupleText> {
    for (let chain = 0; chain < this.chains; chain++) {
      const [outer, middle, inner] = [`group:a${chain}`, `group:b${chain}`, `group:c${chain}`];
      yield { object: outer, relation: 'member', subject: `${middle}#member` };
      yield { object: middle, relation: 'member', subject: `${inner}#member` };
      for (let i = 0; i < membersPerGroup; i++) {
        yield { object: inner, relation: 'member', subject: this.member(chain, i) };
      }
    }
    for (let root = 0; root < this.roots; root++) {
      yield { object: `folder:${root}-0`, relation: 'viewer', subject: `user:v${root}` };
      if (root < this.audited) {
        yield { object: `folder:${root}-0`, relation: 'viewer', subject: 'user:auditor' };
      }
      for (let level = 1; level < folderDepth; level++) {
        const [object, subject] = [`folder:${root}-${level}`, `folder:${root}-${level - 1}`];
        yield { object, relation: 'parent', subject };
      }
    }
    for (let document = 0; document < this.documents; document++) {
      const object = `document:d${document}`;
      const folder = `folder:${document % this.roots}-${folderDepth - 1}`;
      yield { object, relation: 'parent', subject: folder };
      yield { object, relation: 'owner', subject: `user:o${document % this.owners}` };
      yield { object, relation: 'viewer', subject: `user:w${document % this.viewers}` };
      if (document % 4 === 0) {
        yield { object, relation: 'viewer', subject: `group:a${this.chainOf(document)}#member` };
      }
    }
  }

  written(name: string): TupleText {
    return { object: `document:new-${name}`, relation: 'viewer', subject: 'user:writer' };
  }

  private member(chain: number, i: number): string {
    return `user:u${chain * membersPerGroup + i}`;
  }

  private chainOf(document: number): number {
    return (document / 4) % this.chains;
  }

  private documentsWhere(holds: (document: number) => boolean): string[] {
    const found: string[] = [];
    for (let document = 0; document < this.documents; document++) {
      if (holds(document)) found.push(`document:d${document}`);
    }
    return found.sort();
  }

  private makeChecks(pick: ReturnType<typeof picker>): World['checks'] {
    const ask = (document: number, subject: string, allowed: boolean): CheckQuestion => ({
      ...{ object: `document:d${document}`, relation: 'viewer', subject, allowed },
    });
    const grouped = () => pick(Math.ceil(this.documents / 4)) * 4;
    const direct = () => {
      const document = pick(this.documents);
      return ask(document, `user:w${document % this.viewers}`, true);
    };
    const nested = () => {
      const document = grouped();
      return ask(document, this.member(this.chainOf(document), pick(membersPerGroup)), true);
    };
    const folder = () => {
      const document = pick(this.documents);
      return ask(document, `user:v${document % this.roots}`, true);
    };
    // Known to the store, members of groups, viewers of other folders: nothing short-cuts the no.
    const negative = () => {
      const document = grouped();
      const chain = otherThan(this.chainOf(document), this.chains, pick);
      const root = otherThan(document % this.roots, this.roots, pick);
      const subject = pick(2) === 0 ? this.member(chain, pick(membersPerGroup)) : `user:v${root}`;
      return ask(document, subject, false);
    };
    const made = [direct, nested, folder, negative].map((make) => times(checksPerClass, make));
    const [directs = [], nesteds = [], folders = [], negatives = []] = made;
    return {
      direct: directs,
      'nested 3': nesteds,
      'folder 5': folders,
      negative: negatives,
      // The same few questions again and again, as a page that everybody looks at asks them.
      'hot key': made.flatMap((questions) => questions.slice(0, 5)),
    };
  }

  private makeObjects(pick: ReturnType<typeof picker>): World['objects'] {
    const asked = times(Math.min(listsPerWorld, this.viewers), () => pick(this.viewers));
    return [...new Set(asked)].map((viewer) => ({
      ...{ type: 'document', relation: 'viewer', subject: `user:w${viewer}` },
      objects: this.documentsWhere((document) => document % this.viewers === viewer),
    }));
  }

  private usersOf(document: number): UsersQuestion {
    const root = document % this.roots;
    const users = [
      `user:o${document % this.owners}`,
      `user:w${document % this.viewers}`,
      `user:v${root}`,
      ...(root < this.audited ? ['user:auditor'] : []),
      ...(document % 4 === 0
        ? times(membersPerGroup, (i) => this.member(this.chainOf(document), i))
        : []),
    ];
    const asked = { object: `document:d${document}`, relation: 'viewer', kind: 'user' };
    return { ...asked, users: users.sort() };
  }
}

export const drive: Workload = {
  name: 'drive',
  about: 'documents in folders, owners, viewers, groups three levels deep',
  at: (size, seed) => new Drive(size, seed),
};
