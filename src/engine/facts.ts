/**
 * What one request asks about, and what the tuples say to it without following any of them: the
 * subject, the tuples that name it, and the conditions, each evaluated once. The walk and the
 * settling of cycles read through here, so they cannot differ on what a tuple means.
 */
import { assert } from '../base/assert.ts';
import { Refusal } from '../base/errors.ts';
import type { JsonObject } from '../base/json.ts';
import { limits } from '../base/limits.ts';
import type { CompiledModel, CompiledRelation, Edge } from '../model/compiled.ts';
import {
  formatTuple,
  isExpired,
  isWildcard,
  type ObjectRef,
  type SubjectRef,
  type TupleCondition,
  wildcardId,
} from '../model/tuple.ts';
import { noCondition, noGuard, noTuple, type TupleReader } from '../storage/tuple-reader.ts';
import { Overlay } from './overlay.ts';
import type { TupleKind } from './plain.ts';
import type { Interrupt } from './steps.ts';
import { causeOf, either, falseValue, isError, trueValue, uncertain, type Value } from './value.ts';
import { refusalOf, type Verdict } from './verdict.ts';

/** The entity of the request's own subject where no tuple names it: nothing can be read of it. */
export const stranger = -1;

/** The cause that every walk can meet; those of conditions have the numbers after it. */
export const tooDeep = 1;

/** What a list does about a tuple whose condition cannot be told. */
export type Doubts = 'refuse' | 'follow';

type Unanswered = Extract<Verdict, { kind: 'unknown' | 'failed' }>;

/** An error as it is noted: a refusal is made only for the one that is told. */
type Trouble =
  | Extract<Verdict, { kind: 'unknown' }>
  | { readonly kind: 'failed'; readonly reason: string };

interface Weighed {
  /** `noCondition` where the tuple has an expiry alone. */
  readonly condition: number;
  readonly value: Value;
}

/** Where a guard was met: its tuple, without the subject's relation, which the edge knows. */
interface Site {
  readonly object: number;
  readonly relation: CompiledRelation;
  readonly subject: number;
}

const noSuchRelation = -2;

/** What of a request bears on the meaning of a tuple; limits have their defaults. */
interface FactsRequest {
  readonly subject: SubjectRef;
  readonly context: JsonObject;
  /** Read where a tuple may have expired, which few checks come to: it may be told then. */
  readonly now: number;
  readonly depthMax?: number;
  readonly stepsMax?: number;
  readonly interrupt?: Interrupt | undefined;
}

export class Facts {
  readonly reader: TupleReader;
  readonly model: CompiledModel;
  private readonly contextual: Overlay | undefined;
  readonly subject: SubjectRef;
  /** The request's values for the parameters of conditions. */
  readonly context: JsonObject;
  private readonly request: FactsRequest;
  readonly stepsMax: number;
  private readonly interrupt: Interrupt | undefined;
  private steps = 0;
  private stepsBefore = 0;
  /** The step at which to look up from the work. INVARIANT: at most one past `stepsMax`. */
  private lookAt: number;

  readonly type: number;
  /** The subject's object; `stranger` where no tuple names it. */
  readonly entity: number;
  /** Relation index of a userset, -1 for objects and wildcards. */
  readonly index: number;
  private readonly relation: number;
  /** The entity of `type:*`; undefined until it is needed. */
  private wildcard: number | undefined = undefined;

  /** By relation index: 1 where any tuples at all could give the subject the relation. */
  private readonly reach: Readonly<Uint8Array>;
  private weighedGuards: Map<number, Weighed> | undefined = undefined;
  private troubles: Trouble[] | undefined = undefined;
  readonly depthMax: number;

  constructor(reader: TupleReader, model: CompiledModel, request: FactsRequest) {
    const { subject } = request;
    this.reader = reader;
    this.contextual = reader instanceof Overlay ? reader : undefined;
    this.model = model;
    this.subject = subject;
    this.context = request.context;
    this.request = request;
    this.depthMax = request.depthMax ?? limits.checkDepthMax;
    this.stepsMax = request.stepsMax ?? limits.checkStepsMax;
    this.interrupt = request.interrupt;
    this.lookAt = Math.min(limits.interruptSteps, this.stepsMax + 1);
    this.type = model.typeSymbol(subject.type);
    this.entity = reader.entity(this.type, subject.id) || stranger;
    const isUserset = subject.relation !== '';
    const index = isUserset ? model.relationIndex(subject.type, subject.relation) : -1;
    this.index = index === -1 && isUserset ? noSuchRelation : index;
    this.relation = index === -1 ? 0 : (model.relations[index] as CompiledRelation).symbol;
    this.reach = model.reachOf(this.index === noSuchRelation ? 0 : this.type, this.index);
  }

  /** Whether there are contextual tuples. */
  get isOverlaid(): boolean {
    return this.contextual !== undefined;
  }

  /** By guard. Made when it is needed: most tuples have none. */
  private get weighed(): Map<number, Weighed> {
    this.weighedGuards ??= new Map();
    return this.weighedGuards;
  }

  /**
   * The entity of an object that was asked for; 0 where neither a tuple nor the subject names it.
   * `type` is the symbol of its type.
   */
  entityOf(object: ObjectRef, type = this.model.typeSymbol(object.type)): number {
    const entity = this.reader.entity(type, object.id);
    if (entity !== 0) return entity;
    return object.type === this.subject.type && object.id === this.subject.id ? stranger : 0;
  }

  /** Whether the question is the subject itself: `o#r` has `r` on `o` without any tuple. */
  isSubject(object: number, relation: number): boolean {
    return relation === this.index && object === this.entity;
  }

  /** Whether any tuples at all could give the subject this relation. */
  canReach(relation: number): boolean {
    return this.reach[relation] === 1;
  }

  /**
   * Whether a tuple names the subject itself, or the wildcard that stands for it. A userset and a
   * wildcard that ask are only what they literally are; neither is an object of its type.
   */
  literal(edges: readonly Edge[], object: number, relation: CompiledRelation): Value {
    if (object === stranger) return falseValue;
    let value = falseValue;
    for (const edge of edges) {
      const subject = this.namedBy(edge);
      if (subject === 0) continue;
      if (edge.wildcard && this.contextual !== undefined) {
        // A contextual tuple replaces a stored one where an object is looked up, not a wildcard.
        for (const guard of this.contextual.findAll(object, relation.symbol, subject, 0)) {
          value = either(value, this.weigh(edge, guard, object, relation, subject));
        }
      } else {
        const guard = this.reader.find(object, relation.symbol, subject, this.relation);
        if (guard === noTuple) continue;
        value = either(value, this.weigh(edge, guard, object, relation, subject));
      }
      if (value === trueValue) return value;
    }
    return value;
  }

  /** Whether `literal` may find any tuple at all, of any object of the relation's type. */
  mayBeNamed(edges: readonly Edge[], relation: CompiledRelation): boolean {
    const { reader } = this;
    if (reader.isNamed === undefined) return true;
    for (const edge of edges) {
      const named = this.namedBy(edge);
      if (named !== 0 && reader.isNamed(named, relation.symbol, relation.type)) return true;
    }
    return false;
  }

  /** What the tuples of one edge between the two are worth: a contextual and a stored one both count. */
  between(edge: Edge, object: number, relation: CompiledRelation, subject: number): Value {
    const { subjectRelation } = edge;
    if (this.contextual === undefined) {
      const guard = this.reader.find(object, relation.symbol, subject, subjectRelation);
      return guard === noTuple ? falseValue : this.weigh(edge, guard, object, relation, subject);
    }
    let value = falseValue;
    for (const guard of this.contextual.findAll(
      object,
      relation.symbol,
      subject,
      subjectRelation,
    )) {
      value = either(value, this.weigh(edge, guard, object, relation, subject));
    }
    return value;
  }

  /** The stored tuples, where no contextual tuple is of any of these kinds; else undefined. */
  storedAlone(kinds: readonly TupleKind[]): TupleReader | undefined {
    if (this.contextual === undefined) return this.reader;
    return kinds.some((kind) => this.contextual?.has(kind)) ? undefined : this.contextual.base;
  }

  /** The guards of the tuples of this edge that `literal` looks at; none where there is none. */
  guardsOf(edge: Edge, object: number, relation: CompiledRelation): readonly number[] {
    const subject = object === stranger ? 0 : this.namedBy(edge);
    if (subject === 0) return [];
    if (edge.wildcard && this.contextual !== undefined) {
      return this.contextual.findAll(object, relation.symbol, subject, 0);
    }
    const guard = this.reader.find(object, relation.symbol, subject, this.relation);
    return guard === noTuple ? [] : [guard];
  }

  /** The entity by which a tuple of this edge names the subject itself; 0 where none can. */
  namedBy(edge: Edge): number {
    if (!this.isOfKind(edge)) return 0;
    if (edge.wildcard) return this.wildcardEntity();
    return this.entity === stranger || isWildcard(this.subject) ? 0 : this.entity;
  }

  /** Whether tuples of this edge name subjects of the kind that asks, whichever they name. */
  isOfKind(edge: Edge): boolean {
    return edge.subjectType === this.type && edge.target === this.index;
  }

  /**
   * The guard that counts of a tuple which a run shows to name an object or a wildcard: a contextual
   * tuple replaces a stored one for an object, and both count for a wildcard.
   */
  guardInForce(
    edge: Edge,
    guard: number,
    object: number,
    relation: CompiledRelation,
    subject: number,
  ): number {
    if (this.contextual === undefined || edge.wildcard) return guard;
    return this.contextual.find(object, relation.symbol, subject, 0);
  }

  /**
   * What a tuple is worth by its guard: false where it has expired, the model does not allow it there
   * (an older one did), or its condition is not met. The tuple is told for the sake of the error alone.
   */
  weigh(
    edge: Edge,
    guard: number,
    object: number,
    relation: CompiledRelation,
    subject: number,
  ): Value {
    if (guard === noGuard) return edge.unguarded ? trueValue : falseValue;
    const known = this.weighed.get(guard);
    if (known !== undefined) return allows(edge, known.condition) ? known.value : falseValue;
    const { condition, context, expiresAt } = this.reader.guard(guard);
    if (isExpired(expiresAt, this.request.now) || !allows(edge, condition)) return falseValue;
    const value =
      condition === noCondition
        ? trueValue
        : this.evaluate(condition, context, edge, { object, relation, subject });
    this.weighed.set(guard, { condition, value });
    return value;
  }

  /**
   * `weigh` for a list. Those of the wire fail for any tuple that they meet and cannot tell, also
   * where the answer does not hang on it: its tests have it so (openfga-abac, `list_objects` cases
   * and `relation_through_ttu_with_condition`).
   */
  weighFor(
    doubts: Doubts,
    edge: Edge,
    guard: number,
    object: number,
    relation: CompiledRelation,
    subject: number,
  ): Value {
    const value = this.weigh(edge, guard, object, relation, subject);
    if (doubts === 'refuse' && isError(value)) throw refusalOf(this.unanswered(causeOf(value)));
    return value;
  }

  /** Counts one question or tuple. */
  step(): void {
    if (++this.steps >= this.lookAt) this.look();
  }

  /** Counts steps that somebody else took before, and that this check is spared. */
  take(steps: number): void {
    this.steps += steps;
    if (this.steps >= this.lookAt) this.look();
  }

  /** Steps that led to nothing, and that will be taken again another way. */
  giveBack(steps: number): void {
    this.steps -= steps;
  }

  /** Ends what visits too much, or what nobody waits for any more. */
  look(): void {
    if (this.steps > this.stepsMax) {
      throw new Refusal(
        'authorization_model_resolution_too_complex',
        `the check visits more than ${this.stepsMax} questions and tuples; ask for an object or a relation that fewer tuples lead to, or raise the limit`,
      );
    }
    this.interrupt?.();
    this.lookAt = Math.min(this.steps + limits.interruptSteps, this.stepsMax + 1);
  }

  /** A new check may take its steps; those since the last look still count towards the next. */
  restart(): void {
    this.lookAt -= this.steps;
    this.stepsBefore += this.steps;
    this.steps = 0;
  }

  /** All that the checks of this request have taken together. */
  stepsTaken(): number {
    return this.stepsBefore + this.steps;
  }

  /** What to tell of an error. REQUIRES: a cause that a value of this request carries. */
  unanswered(cause: number): Unanswered {
    if (cause === tooDeep) return { kind: 'failed', refusal: tooDeepRefusal(this.depthMax) };
    const trouble = this.troubles?.[cause - tooDeep - 1];
    assert(trouble !== undefined, 'every cause was noted when it was met');
    if (trouble.kind === 'unknown') return trouble;
    return { kind: 'failed', refusal: new Refusal('validation_error', trouble.reason) };
  }

  /** The entity of the wildcard that stands for the subject's type; 0 where no tuple names it. */
  wildcardEntity(): number {
    this.wildcard ??= this.reader.entity(this.type, wildcardId);
    return this.wildcard;
  }

  private evaluate(condition: number, stored: JsonObject, edge: Edge, site: Site): Value {
    const compiled = this.model.conditions.get(condition);
    assert(compiled !== undefined, 'an edge names conditions of its own model');
    // An older model may have declared other parameters: then the tuple is none of this model's.
    if (compiled.faultOfTupleContext(stored) !== undefined) return falseValue;
    const outcome = compiled.evaluate(stored, this.context);
    const { name } = compiled.definition;
    switch (outcome.kind) {
      case 'met':
        return trueValue;
      case 'unmet':
        return falseValue;
      case 'missing': {
        const tuple = this.format(edge, site, { name, context: stored });
        const { parameters } = outcome;
        return this.note({ kind: 'unknown', condition: name, tuple, parameters });
      }
      case 'failed': {
        const reason = `failed to evaluate relationship condition: ${outcome.reason}`;
        return this.note({ kind: 'failed', reason });
      }
    }
  }

  private note(trouble: Trouble): Value {
    this.troubles ??= [];
    this.troubles.push(trouble);
    return uncertain(tooDeep + this.troubles.length);
  }

  private format(edge: Edge, site: Site, condition: TupleCondition): string {
    const subject = this.reader.entityRef(site.subject);
    return formatTuple({
      object: this.reader.entityRef(site.object),
      relation: site.relation.name,
      subject: { ...subject, relation: this.model.relations[edge.target]?.name ?? '' },
      condition,
    });
  }
}

/** Whether the model has such tuples: with this condition, or without any. */
export function allows(edge: Edge, condition: number): boolean {
  return condition === noCondition ? edge.unguarded : edge.conditions.includes(condition);
}

function tooDeepRefusal(depthMax: number): Refusal {
  return new Refusal(
    'authorization_model_resolution_too_complex',
    `the check followed ${depthMax} usersets one after another and was not at an end; shorten the chain of tuples, or raise the limit`,
  );
}
