/** Holds every method to its deadline: an answer that is late is a refusal, in every protocol. */
import type { Clock } from '../base/clock.ts';
import { Refusal } from '../base/errors.ts';
import type { GuardedMethod } from '../service/access/guard.ts';
import type { Call } from '../service/call.ts';

/** Only answers that are waited for need it: what runs synchronously has its step budget. */
export function withDeadlines(
  methods: readonly GuardedMethod[],
  clock: Clock,
): readonly GuardedMethod[] {
  return methods.map((method): GuardedMethod => {
    const admit: GuardedMethod['admit'] = (call) => {
      const admitted = method.admit(call);
      return admitted && inTime(admitted, call, clock);
    };
    if (method.kind !== 'unary') return { ...method, admit };
    const { handle } = method;
    return {
      ...method,
      admit,
      handle: (request, call) => {
        const answer = handle(request, call);
        return answer instanceof Promise ? inTime(answer, call, clock) : answer;
      },
    };
  });
}

function inTime<Answer>(answer: Promise<Answer>, call: Call, clock: Clock): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const late = () =>
      reject(
        new Refusal(
          'deadline_exceeded',
          'the request took longer than its deadline; a write may still have taken effect',
        ),
      );
    const timer = setTimeout(late, Math.max(0, call.deadline - clock.monotonic()));
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
