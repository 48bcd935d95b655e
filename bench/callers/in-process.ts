/** Asks in this process: the engine by itself, and the embedding API, which is what a program has. */
import { systemClock } from '../../src/base/clock.ts';
import type { JsonObject } from '../../src/base/json.ts';
import { type CheckRequest, createWalk } from '../../src/engine/check.ts';
import { listObjects } from '../../src/engine/list-objects.ts';
import type { Verdict } from '../../src/engine/verdict.ts';
import type { Store } from '../../src/index.ts';
import { compile } from '../../src/model/compile.ts';
import type { ModelId, StoreId } from '../../src/model/ids.ts';
import { parseModel } from '../../src/model/parse.ts';
import { formatObject, parseObject, parseSubject, type SubjectRef } from '../../src/model/tuple.ts';
import type { Datastore } from '../../src/storage/datastore.ts';
import type { Ask } from '../measure/closed-loop.ts';
import type { CheckQuestion, ObjectsQuestion } from '../workloads/workload.ts';
import { type Caller, judgeBatch, judgeCheck, listJudge, type Operation } from './caller.ts';

/** Deep worlds are asked about with the same bound as the servers have. */
export const depthMax = 200;

function isAllowed(verdict: Verdict): boolean {
  if (verdict.kind === 'allowed' || verdict.kind === 'denied') return verdict.kind === 'allowed';
  throw verdict.kind === 'failed' ? verdict.refusal : new Error(`the answer is ${verdict.kind}`);
}

/** A list that leaves some out says so; it is an error then, and not a wrong list. */
function refuseUnanswered(unanswered: readonly { readonly verdict: Verdict }[]): void {
  for (const { verdict } of unanswered) isAllowed(verdict);
}

/** What a check is asked with. The time is told when it is looked at, as the embedding API has it. */
class Asked implements CheckRequest {
  readonly subject: SubjectRef;
  readonly contextualTuples = [];
  readonly context: JsonObject;
  readonly depthMax = depthMax;

  constructor(subject: SubjectRef, context: JsonObject) {
    this.subject = subject;
    this.context = context;
  }

  get now(): number {
    return systemClock.now();
  }
}

/** Request strings in, a verdict or names out; one view of the newest revision for each answer. */
export function engineCaller(datastore: Datastore, store: StoreId, modelId: ModelId): Caller {
  const model = datastore.local.view(store, (snapshot) => {
    const record = snapshot.model(modelId);
    if (record === undefined) throw new Error(`there is no model ${modelId}`);
    const parsed = parseModel(JSON.parse(record.definition));
    return compile(parsed, (name) => snapshot.symbol(name));
  });
  const check = (question: CheckQuestion): Ask => {
    const { context = {} } = question;
    return () => {
      const allowed = datastore.local.view(store, (snapshot) => {
        const object = parseObject(question.object);
        const subject = parseSubject(question.subject);
        if (object === undefined || subject === undefined) throw new Error('no question');
        const asked = new Asked(subject, context);
        return isAllowed(createWalk(snapshot, model, asked).check(object, question.relation));
      });
      judgeCheck(question, allowed);
      return undefined;
    };
  };
  const objects = ({ objects: expected, ...question }: ObjectsQuestion): Ask => {
    const { type, relation, context = {} } = question;
    const judge = listJudge(question, expected);
    return () => {
      const found = datastore.local.view(store, (snapshot) => {
        const subject = parseSubject(question.subject);
        if (subject === undefined) throw new Error('no question');
        const asked = { subject, contextualTuples: [], context, now: systemClock.now(), depthMax };
        const names: string[] = [];
        for (const ids of listObjects(snapshot, model, { ...asked, type, relation })) {
          for (const id of ids) names.push(formatObject({ type, id }));
        }
        return names;
      });
      judge(found);
      return undefined;
    };
  };
  return {
    prepare(operation: Operation) {
      if (operation.kind === 'check') return check(operation.question);
      if (operation.kind === 'objects') return objects(operation.question);
      throw new Error(`the engine has no ${operation.kind} here`);
    },
    close: () => undefined,
  };
}

export function apiCaller(store: Store): Caller {
  return {
    prepare(operation: Operation) {
      switch (operation.kind) {
        case 'check': {
          const { allowed: _allowed, ...asked } = operation.question;
          return () => {
            judgeCheck(operation.question, isAllowed(store.check(asked)));
            return undefined;
          };
        }
        case 'batch': {
          const asked = operation.questions.map(({ allowed: _allowed, ...question }) => question);
          return () => {
            const verdicts = store.batchCheck(asked);
            judgeBatch(operation.questions, (i) => verdicts[i] && isAllowed(verdicts[i]));
            return undefined;
          };
        }
        case 'objects': {
          const { objects, ...asked } = operation.question;
          const judge = listJudge(asked, objects);
          return async () => {
            const listed = await store.listObjects({ ...asked, timeoutMs: 60_000 });
            refuseUnanswered(listed.unanswered);
            judge(listed.objects);
            return undefined;
          };
        }
        case 'users': {
          const { users, ...asked } = operation.question;
          const judge = listJudge(asked, users);
          return async () => {
            const listed = await store.listSubjects({ ...asked, timeoutMs: 60_000 });
            refuseUnanswered(listed.unanswered);
            judge(listed.subjects.map(({ subject }) => subject));
            return undefined;
          };
        }
        case 'write':
          return async () => {
            await store.write({ writes: [operation.tuple()] });
            return undefined;
          };
      }
    },
    close: () => undefined,
  };
}
