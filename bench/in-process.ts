// Checks in this process: request strings in, a verdict out, no transport.
import { systemClock } from '../src/base/clock.ts';
import { createWalk } from '../src/engine/check.ts';
import { compile } from '../src/model/compile.ts';
import { parseModel } from '../src/model/parse.ts';
import { openSqlite } from '../src/storage/sqlite/open.ts';
import { benchStore } from './load.ts';
import { measure, type Sample } from './measure.ts';
import {
  definition,
  type Question,
  type QuestionKind,
  questionKinds,
  type Workload,
} from './workload.ts';

/** Throws when an answer is wrong: a benchmark of wrong answers is worth nothing. */
export async function inProcess(
  path: string,
  workload: Workload,
  ms: number,
): Promise<Record<QuestionKind, Sample>> {
  const datastore = await openSqlite({ path, clock: systemClock });
  const model = parseModel(definition);
  const compiled = datastore.local.view(benchStore, (snapshot) =>
    compile(model, (name) => snapshot.symbol(name)),
  );
  const ask = (question: Question) =>
    datastore.local.view(benchStore, (snapshot) => {
      const walk = createWalk(snapshot, compiled, {
        subject: question.subject,
        contextualTuples: [],
        context: {},
        now: systemClock.now(),
      });
      const verdict = walk.check(question.object, question.relation);
      if (verdict.kind !== (question.allowed ? 'allowed' : 'denied')) {
        throw new Error(`wrong answer: ${JSON.stringify(question)} got ${verdict.kind}`);
      }
    });
  const samples = questionKinds.map((kind) => {
    const questions = workload.questions[kind];
    let next = 0;
    return measure(ms, () => {
      for (let i = 0; i < 100; i++) ask(questions[next++ % questions.length] as Question);
      return 100;
    });
  });
  await datastore.close();
  return Object.fromEntries(questionKinds.map((kind, i) => [kind, samples[i]])) as Record<
    QuestionKind,
    Sample
  >;
}
