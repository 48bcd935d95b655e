/** Lists of subjects under a subject token: what Check says of the token's subject, and of nobody else. */
import { type CheckRequest, createWalk } from '../engine/check.ts';
import { allOf, type Verdict } from '../engine/verdict.ts';
import type { CompiledModel } from '../model/compiled.ts';
import type { ObjectRef, SubjectRef } from '../model/tuple.ts';
import type { TupleReader } from '../storage/tuple-reader.ts';
import type { Asked } from './asked.ts';
import { type Challenges, decide } from './step-up.ts';
import { readKnownSubject } from './valid-tuple.ts';

export interface OwnAnswers {
  readonly subject: SubjectRef;
  verdict(object: ObjectRef, relation: string): Verdict;
}

/** REQUIRES: the question is about the token's own subject. */
export function ownAnswers(
  asked: Asked,
  from: {
    readonly reader: TupleReader;
    readonly model: CompiledModel;
    readonly check: Omit<CheckRequest, 'subject'>;
  },
  challenges: Challenges,
): OwnAnswers {
  const { reader, model, check } = from;
  const walks = asked.users.map((user) =>
    createWalk(reader, model, { ...check, subject: readKnownSubject(model, user) }),
  );
  return {
    subject: readKnownSubject(model, asked.about),
    verdict(object, relation) {
      const verdict = allOf(walks, (walk) => walk.check(object, relation));
      return decide(asked, { type: object.type, relation }, verdict, challenges.add);
    },
  };
}
