/**
 * The door of the embedding API: every request passes the field rules that hold on the wire, then the
 * functions that the service's handlers are made of. So there is one set of limits, not two.
 */
import {
  create,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import type { Clock } from '../base/clock.ts';
import { Refusal } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { type Call, noCredentials } from '../service/call.ts';
import { createFieldChecks, type FieldCheck } from '../service/fields.ts';
import { createService } from '../service/router.ts';
import type { Service } from '../service/service.ts';
import type { Datastore } from '../storage/datastore.ts';

export interface CallOptions {
  /** Milliseconds after which the work is given up (`deadline_exceeded`); 3,000 unless given. */
  readonly timeoutMs?: number;
  /** Gives up what waits: writes that are not begun, lists, iterations. A check waits for nothing. */
  readonly signal?: AbortSignal;
}

/** How far a check may go; the limits that `pemba serve` has unless given. */
export interface CheckBounds {
  /** Usersets and tuple-to-userset hops that one check may follow. */
  readonly checkDepthMax?: number;
  /** Questions and tuples that one request may visit. */
  readonly checkStepsMax?: number;
}

export class Door {
  readonly service: Service;
  readonly #checkOf: (message: DescMessage) => FieldCheck;
  #calls = 0;

  constructor(datastore: Datastore, clock: Clock, bounds: CheckBounds) {
    // A list has the time of its call, whatever that is.
    const lists = { timeoutMs: Number.POSITIVE_INFINITY };
    this.service = createService({ ...bounds, datastore, clock, lists });
    this.#checkOf = createFieldChecks(clock);
  }

  /** Throws the refusal of a field that breaks its rule. */
  message<Desc extends DescMessage>(
    schema: Desc,
    fields: MessageInitShape<Desc>,
  ): MessageShape<Desc> {
    const message = create(schema, fields);
    this.check(schema, message);
    return message;
  }

  check<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): void {
    this.#checkOf(schema)(message);
  }

  call(method: string, options: CallOptions): Call {
    const { timeoutMs = limits.requestTimeoutMs, signal } = options;
    if (signal?.aborted === true) throw new Refusal('cancelled', 'the signal was aborted');
    return {
      method,
      requestId: `embedded-${++this.#calls}`,
      deadline: this.service.clock.monotonic() + timeoutMs,
      signal,
      consistencyToken: '',
      credentials: noCredentials,
      principal: undefined,
      responseHeaders: {},
    };
  }
}
