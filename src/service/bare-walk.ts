/** Walks for questions alone: no contextual tuples, no context, and no identity file that has a say. */
import { createWalk, type Walk } from '../engine/check.ts';
import type { Interrupt } from '../engine/steps.ts';
import type { CompiledModel } from '../model/compiled.ts';
import type { Snapshot } from '../storage/datastore.ts';
import type { Service } from './service.ts';
import { readKnownSubject } from './valid-tuple.ts';

const none: readonly never[] = Object.freeze([]);
const nothing = Object.freeze({});

interface Place {
  readonly service: Service;
  readonly snapshot: Snapshot;
  readonly model: CompiledModel;
  readonly now: number;
  readonly interrupt: Interrupt;
}

/** Refuses a user that the model does not know. */
export function bareWalk(place: Place, user: string): Walk {
  const { service, snapshot, model, now, interrupt } = place;
  return createWalk(snapshot, model, {
    subject: readKnownSubject(model, user),
    contextualTuples: none,
    context: nothing,
    now,
    depthMax: service.checkDepthMax,
    stepsMax: service.checkStepsMax,
    interrupt,
  });
}

/** What a request may bring beside its question. */
export function isBare(request: {
  readonly contextualTuples?: unknown;
  readonly context?: unknown;
}): boolean {
  return request.contextualTuples === undefined && request.context === undefined;
}
