/**
 * Watches the methods on behalf of the log and the metrics, in one place for all protocols. What
 * leaves an observed method is an answer or a `Refusal`: a bug is logged whole and hidden here.
 */
import { AuthenticationRefusal } from '../authn/refusal.ts';
import type { Clock } from '../base/clock.ts';
import { Refusal } from '../base/errors.ts';
import { OpenFGAService } from '../gen/openfga/v1/openfga_service_pb.ts';
import { isStoreId } from '../model/ids.ts';
import { AccessRefusal } from '../service/access/access-refusal.ts';
import type { GuardedMethod } from '../service/access/guard.ts';
import type { Call, Method } from '../service/call.ts';
import { toRefusal } from '../service/status.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

export interface Observer {
  /** Called once a request: `request` is undefined where its bytes made no message. */
  answered(call: Answered, startedMs: number, request: unknown, refusal?: Refusal): void;
}

type Answered = Pick<Call, 'method' | 'requestId'>;

export function createObserver(options: {
  readonly clock: Clock;
  readonly log: Pick<Log, 'logger' | 'request'>;
  readonly metrics: Metrics;
}): Observer {
  const { clock, log, metrics } = options;
  return {
    answered(call, startedMs, request, refusal) {
      const ms = clock.monotonic() - startedMs;
      const method = shortName(call.method);
      const status = refusal === undefined ? 'ok' : refusal.code;
      metrics.requestAnswered(method, status, ms);
      const checks = checksIn(method, request);
      if (checks > 0) metrics.checksAsked(checks);
      if (status === 'internal_error') {
        const about = { requestId: call.requestId, method, err: refusal?.cause };
        log.logger.error(about, 'internal error');
      }
      const reason = reasonOf(refusal);
      if (reason !== undefined) metrics.callerRefused(reason);
      if (log.request === undefined) return;
      const { storeId = '' } = (request ?? {}) as { storeId?: string };
      // Nobody has judged the request yet, where its caller was refused.
      const store = isStoreId(storeId) ? storeId : undefined;
      const durationMs = Math.round(ms * 1000) / 1000;
      const { requestId } = call;
      log.request({ method, status, reason, durationMs, requestId, store });
    },
  };
}

const wirePrefix = `${OpenFGAService.typeName}/`;

/** Of the methods, which are few; what is sliced anew has to be hashed anew wherever it is a key. */
const shortNames = new Map<string, string>();

/** The wire's methods by their names alone, others with their service: both have a ListObjects. */
function shortName(method: string): string {
  let name = shortNames.get(method);
  if (name === undefined) {
    name = method.startsWith(wirePrefix) ? method.slice(wirePrefix.length) : method;
    shortNames.set(method, name);
  }
  return name;
}

/** Why the guard let the call not through: words of our own, nothing of the token. */
function reasonOf(refusal: Refusal | undefined): string | undefined {
  const isGuards = refusal instanceof AuthenticationRefusal || refusal instanceof AccessRefusal;
  return isGuards ? refusal.reason : undefined;
}

function checksIn(method: string, request: unknown): number {
  if (method === 'Check') return 1;
  if (method !== 'BatchCheck') return 0;
  return (request as { checks?: readonly unknown[] } | undefined)?.checks?.length ?? 0;
}

/** The same methods, each call reported to the observer when it is answered. */
export function observed(
  methods: readonly GuardedMethod[],
  observer: Observer,
  clock: Clock,
): readonly GuardedMethod[] {
  return methods.map((method) =>
    method.kind === 'unary'
      ? { ...method, handle: observedUnary(method.handle, observer, clock) }
      : { ...method, handle: observedStream(method.handle, observer, clock) },
  );
}

type UnaryHandle = Extract<Method, { kind: 'unary' }>['handle'];
type StreamHandle = Extract<Method, { kind: 'server_streaming' }>['handle'];

function observedUnary(handle: UnaryHandle, observer: Observer, clock: Clock): UnaryHandle {
  return (request, call) => {
    const startedMs = clock.monotonic();
    const fail = (error: unknown): never => {
      const refusal = toRefusal(error, call.requestId);
      observer.answered(call, startedMs, request, refusal);
      throw refusal;
    };
    try {
      const answer = handle(request, call);
      // Most checks are answered at once: no promise is made for them.
      if (answer instanceof Promise) {
        return answer.then((message) => {
          observer.answered(call, startedMs, request);
          return message;
        }, fail);
      }
      observer.answered(call, startedMs, request);
      return answer;
    } catch (error) {
      return fail(error);
    }
  };
}

function observedStream(handle: StreamHandle, observer: Observer, clock: Clock): StreamHandle {
  return async function* (request, call) {
    const startedMs = clock.monotonic();
    let refusal: Refusal | undefined;
    let ended = false;
    try {
      yield* handle(request, call);
      ended = true;
    } catch (error) {
      ended = true;
      refusal = toRefusal(error, call.requestId);
      throw refusal;
    } finally {
      if (!ended) refusal = new Refusal('cancelled', 'the stream was not read to its end');
      observer.answered(call, startedMs, request, refusal);
    }
  };
}
