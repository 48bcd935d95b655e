// The seeded workload: one model, one set of tuples, four kinds of questions with known answers.
import type { ObjectRef, SubjectRef, Tuple } from '../src/model/tuple.ts';

/** A wire-form model: groups in groups, folders in folders, documents in folders. */
export const definition = {
  schema_version: '1.1',
  type_definitions: [
    { type: 'user', relations: {} },
    {
      type: 'group',
      relations: { member: { this: {} } },
      metadata: { relations: { member: restricted('user', 'group#member') } },
    },
    {
      type: 'folder',
      relations: { parent: { this: {} }, viewer: viewerFromParent() },
      metadata: {
        relations: { parent: restricted('folder'), viewer: restricted('user', 'group#member') },
      },
    },
    {
      type: 'document',
      relations: { parent: { this: {} }, viewer: viewerFromParent() },
      metadata: {
        relations: { parent: restricted('folder'), viewer: restricted('user', 'group#member') },
      },
    },
  ],
};

export interface Question {
  readonly object: ObjectRef;
  readonly relation: string;
  readonly subject: SubjectRef;
  readonly allowed: boolean;
}

export interface Workload {
  readonly tuples: readonly Tuple[];
  readonly questions: Readonly<Record<QuestionKind, readonly Question[]>>;
}

/** What a question has to walk: one tuple; three groups; five folders; everything, in vain. */
export const questionKinds = ['direct', 'group 3', 'folder 5', 'negative'] as const;
export type QuestionKind = (typeof questionKinds)[number];

const questionsPerKind = 2_000;
const folderDepth = 5;

/** ENSURES: the same seed and size give the same workload. `size` is the number of tuples, about. */
export function makeWorkload(size: number, seed: number): Workload {
  const random = generator(seed);
  const pick = (count: number) => Math.floor(random() * count);
  const users = Math.max(100, Math.floor(size / 20));
  const chains = Math.max(20, Math.floor(size / 400));
  const tuples: Tuple[] = [];
  const add = (object: string, relation: string, subject: string) => {
    tuples.push({
      ...parse(object),
      relation,
      subject: parseSubject(subject),
      condition: undefined,
    });
  };

  // Three-level groups: users in a2, a2 in a1, a1 in a0.
  for (let chain = 0; chain < chains; chain++) {
    add(`group:${chain}-0`, 'member', `group:${chain}-1#member`);
    add(`group:${chain}-1`, 'member', `group:${chain}-2#member`);
    for (let i = 0; i < 20; i++) add(`group:${chain}-2`, 'member', `user:u${chain * 20 + i}`);
  }
  // Folder chains: f0 is the root; its viewers see everything below.
  const roots = Math.max(10, Math.floor(size / 200));
  for (let root = 0; root < roots; root++) {
    add(`folder:${root}-0`, 'viewer', `user:v${root}`);
    for (let level = 1; level < folderDepth; level++) {
      add(`folder:${root}-${level}`, 'parent', `folder:${root}-${level - 1}`);
    }
  }
  // Documents: a folder, a direct viewer and sometimes a group. The rest of the tuples.
  let documents = 0;
  while (tuples.length < size) {
    const document = `document:d${documents}`;
    add(document, 'parent', `folder:${documents % roots}-${folderDepth - 1}`);
    add(document, 'viewer', `user:w${documents % users}`);
    if (documents % 4 === 0) add(document, 'viewer', `group:${documents % chains}-0#member`);
    documents++;
  }

  const ask = (document: number, subject: string, allowed: boolean): Question => ({
    ...parse(`document:d${document}`),
    relation: 'viewer',
    subject: parseSubject(subject),
    allowed,
  });
  const many = (make: () => Question) => Array.from({ length: questionsPerKind }, make);
  return {
    tuples,
    questions: {
      direct: many(() => {
        const document = pick(documents);
        return ask(document, `user:w${document % users}`, true);
      }),
      'group 3': many(() => {
        const document = pick(Math.floor(documents / 4)) * 4;
        return ask(document, `user:u${(document % chains) * 20 + pick(20)}`, true);
      }),
      'folder 5': many(() => {
        const document = pick(documents);
        return ask(document, `user:v${document % roots}`, true);
      }),
      negative: many(() => ask(pick(documents), `user:nobody${pick(1_000)}`, false)),
    },
  };
}

function viewerFromParent() {
  return {
    union: {
      child: [
        { this: {} },
        {
          tupleToUserset: {
            tupleset: { relation: 'parent' },
            computedUserset: { relation: 'viewer' },
          },
        },
      ],
    },
  };
}

function restricted(...subjects: string[]) {
  return {
    directly_related_user_types: subjects.map((subject) => {
      const [type, relation] = subject.split('#');
      return relation === undefined ? { type } : { type, relation };
    }),
  };
}

function parse(text: string): { object: ObjectRef } {
  const colon = text.indexOf(':');
  return { object: { type: text.slice(0, colon), id: text.slice(colon + 1) } };
}

function parseSubject(text: string): SubjectRef {
  const [object = '', relation = ''] = text.split('#');
  return { ...parse(object).object, relation };
}

/** Xorshift: small, seeded, the same everywhere. Numbers in [0, 1). */
export function generator(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 0x1_0000_0000;
  };
}
