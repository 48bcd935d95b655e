/** Contenders take turns at the same job, so that a machine whose speed drifts treats all alike. */
import { WrongAnswer } from '../callers/caller.ts';
import type { JobName } from '../callers/jobs.ts';
import type { Contender } from '../contenders/contender.ts';
import { medianOf, type Sample } from '../measure/sample.ts';

export interface Turns {
  readonly ms: number;
  readonly rounds: number;
}

export interface Measured {
  readonly contender: Contender;
  readonly perSecond: number;
  readonly micros: number;
}

export interface Refused {
  readonly contender: Contender;
  readonly why: string;
}

/** In less, a hot function is not yet compiled to its last form. */
const warmUpMs = 300;

/** Rejects only for a wrong answer: who cannot do the job is named with the reason, and left out. */
export async function interleave(
  contenders: readonly Contender[],
  job: JobName,
  { ms, rounds }: Turns,
): Promise<{ measured: Measured[]; refused: Refused[] }> {
  const refused: Refused[] = [];
  const able: Contender[] = [];
  for (const contender of contenders) {
    if (!contender.can(job)) continue;
    try {
      // Unmeasured: code is compiled, connections are made, pages are read.
      const { count } = await contender.closed(job, Math.max(ms, warmUpMs));
      if (count > 0) able.push(contender);
    } catch (error) {
      if (error instanceof WrongAnswer) throw wrong(error, contender, job);
      refused.push({ contender, why: error instanceof Error ? error.message : String(error) });
    }
  }
  const samples = new Map<Contender, Sample[]>(able.map((contender) => [contender, []]));
  for (let round = 0; round < rounds; round++) {
    for (const contender of round % 2 === 0 ? able : able.toReversed()) {
      try {
        samples.get(contender)?.push(await contender.closed(job, ms));
      } catch (error) {
        if (error instanceof WrongAnswer) throw wrong(error, contender, job);
        throw error;
      }
    }
  }
  const measured = [...samples].map(([contender, list]) => ({ contender, ...medianOf(list) }));
  return { measured, refused };
}

function wrong(error: WrongAnswer, { name, path }: Contender, job: JobName): WrongAnswer {
  return new WrongAnswer(`${name} (${path}, ${job}): ${error.message}`);
}
