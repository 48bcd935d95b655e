/** What a caller is told where the answer would be yes after a stronger or more recent sign-in. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { challengeOf, type StepUp } from '../authn/identity/decisions.ts';
import { limits } from '../base/limits.ts';
import type { Verdict } from '../engine/verdict.ts';
import type { ObligationSchema } from '../gen/pemba/v1/query_service_pb.ts';
import type { Asked } from './asked.ts';
import type { Call } from './call.ts';

/** A value for `WWW-Authenticate` (RFC 9470). */
export const stepUpHeader = 'pemba-step-up';
/** Of a batch, the correlation ids of the checks that it is about. */
export const stepUpChecksHeader = 'pemba-step-up-checks';

/**
 * The verdict of the tuples, held to what the file demands of the relation besides. `stepUp` is told
 * only where nothing else is in the way: one who would be denied anyhow learns nothing of it.
 */
export function decide(
  asked: Asked,
  { type, relation }: { readonly type: string; readonly relation: string },
  verdict: Verdict,
  stepUp: (stepUp: StepUp) => void,
): Verdict {
  const shortage = asked.shortOf(type, relation);
  if (shortage === undefined || verdict.kind === 'denied') return verdict;
  if (shortage.kind === 'step_up') {
    // What cannot be told is not denied: the next sign-in would bring no answer either.
    if (verdict.kind !== 'allowed') return verdict;
    stepUp(shortage.stepUp);
  }
  return { kind: 'denied' };
}

/** Collects the challenges of one answer, each once, and tells them in its headers. */
export class Challenges {
  readonly #call: Call;
  readonly #challenges = new Set<string>();
  #bytes = 0;

  constructor(call: Call) {
    this.#call = call;
  }

  readonly add = (stepUp: StepUp): void => {
    const challenge = challengeOf(stepUp);
    if (this.#challenges.has(challenge)) return;
    // Transports bound what headers may hold; whoever meets these learns the rest by asking again.
    if (this.#bytes > 0 && this.#bytes + challenge.length > limits.stepUpHeaderBytesMax) return;
    this.#bytes += challenge.length + 2;
    this.#challenges.add(challenge);
    this.#call.responseHeaders[stepUpHeader] = [...this.#challenges].join(', ');
  };

  addFor(correlationId: string, stepUp: StepUp): void {
    const { responseHeaders } = this.#call;
    const told = responseHeaders[stepUpChecksHeader];
    responseHeaders[stepUpChecksHeader] =
      told === undefined ? correlationId : `${told},${correlationId}`;
    this.add(stepUp);
  }
}

/** What a sign-in must be for the relation to hold, as data. */
export function obligationOf(
  relation: string,
  stepUp: StepUp,
): MessageInitShape<typeof ObligationSchema> {
  const { acr_values = [], amr_all = [], amr_any = [], max_age } = stepUp;
  return {
    relation,
    acrValues: [...acr_values],
    amrAll: [...amr_all],
    amrAny: [...amr_any],
    ...(max_age === undefined ? {} : { maxAge: max_age }),
    challenge: challengeOf(stepUp),
  };
}
