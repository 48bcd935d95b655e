/**
 * Questions that bring nothing but an object, a relation and a subject, which nearly every one is.
 * They need none of what the wire's messages are for, and cost half of what the others do.
 */
import type { Clock } from '../base/clock.ts';
import { Refusal } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { type CheckRequest, createWalk, type Walk } from '../engine/check.ts';
import type { Interrupt } from '../engine/steps.ts';
import type { Verdict } from '../engine/verdict.ts';
import type { CompiledModel } from '../model/compiled.ts';
import type { StoreId } from '../model/ids.ts';
import {
  parseObject,
  parseSubject,
  type SubjectRef,
  type Tuple,
  wildcardId,
} from '../model/tuple.ts';
import type { Service } from '../service/service.ts';
import type { Snapshot } from '../storage/datastore.ts';
import type { Question } from './questions.ts';

/** UTF-8 has no more bytes for a unit of a JavaScript text. */
const bytesPerUnit = 3;

const noTuples: readonly Tuple[] = [];
const noContext = {};

/** The plain ones of one request, or of one batch. */
export class PlainQuestions {
  private readonly service: Service;
  private readonly store: StoreId;
  private readonly interrupt: Interrupt;
  /** By subject, where there is more than one question. */
  private readonly walks: Map<string, Walk> | undefined;

  constructor(service: Service, store: StoreId, batch?: { readonly interrupt: Interrupt }) {
    this.service = service;
    this.store = store;
    this.interrupt = batch?.interrupt ?? interruptIn(service);
    this.walks = batch === undefined ? undefined : new Map();
  }

  /** Undefined for what is out of the ordinary in any way: then all rules must be looked at. */
  check(question: Question, snapshot: Snapshot): Verdict | undefined {
    const { object: objectText, subject: subjectText, relation } = question;
    if (!isBare(question)) return undefined;
    if (!isShort(objectText, limits.objectLengthMax)) return undefined;
    if (!isShort(subjectText, limits.subjectLengthMax)) return undefined;
    const { model } = this.service.models.resolve(this.store, snapshot, '');
    const object = parseObject(objectText);
    const subject = parseSubject(subjectText);
    if (object === undefined || object.id === wildcardId || subject === undefined) return undefined;
    if (subject.relation !== '' || model.typeSymbol(subject.type) === 0) return undefined;
    // No model has a relation whose name breaks a rule.
    const index = model.relationIndex(object.type, relation);
    if (index === -1) return undefined;
    let walk = this.walks?.get(subjectText);
    if (walk === undefined) {
      walk = this.walkOf(snapshot, model, subject);
      this.walks?.set(subjectText, walk);
    }
    return walk.checkIndex(object, index);
  }

  private walkOf(snapshot: Snapshot, model: CompiledModel, subject: SubjectRef): Walk {
    return createWalk(snapshot, model, new PlainRequest(this.service, subject, this.interrupt));
  }
}

class PlainRequest implements CheckRequest {
  readonly subject: SubjectRef;
  readonly contextualTuples = noTuples;
  readonly context = noContext;
  readonly depthMax: number;
  readonly stepsMax: number;
  readonly interrupt: Interrupt;
  private readonly clock: Clock;
  private asked: number | undefined = undefined;

  constructor(service: Service, subject: SubjectRef, interrupt: Interrupt) {
    this.subject = subject;
    this.depthMax = service.checkDepthMax;
    this.stepsMax = service.checkStepsMax;
    this.interrupt = interrupt;
    this.clock = service.clock;
  }

  /** The same whenever it is asked: most checks ask never, and to tell the time takes time. */
  get now(): number {
    this.asked ??= this.clock.now();
    return this.asked;
  }
}

function isBare(question: Question): boolean {
  return (
    question.contextualTuples === undefined &&
    question.context === undefined &&
    question.modelId === undefined &&
    question.timeoutMs === undefined &&
    question.signal === undefined
  );
}

function isShort(text: string, bytesMax: number): boolean {
  return typeof text === 'string' && text.length * bytesPerUnit <= bytesMax && text.isWellFormed();
}

/** The time counts from the first look, which is soon: most checks are over before it. */
function interruptIn({ clock }: Service): Interrupt {
  let deadline: number | undefined;
  return () => {
    const now = clock.monotonic();
    deadline ??= now + limits.requestTimeoutMs;
    if (now >= deadline) throw new Refusal('deadline_exceeded', 'Request Deadline Exceeded');
  };
}
