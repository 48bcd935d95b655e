/**
 * Contextual tuples laid over the stored ones: a TupleReader over another. What the store has never
 * heard of gets a negative integer, which means something to this overlay alone.
 */
import { assert } from '../base/assert.ts';
import type { CompiledModel } from '../model/compiled.ts';
import type { ObjectRef, Tuple, TupleCondition } from '../model/tuple.ts';
import {
  type Guard,
  noGuard,
  noTuple,
  type Run,
  type TupleReader,
} from '../storage/tuple-reader.ts';
import type { TupleKind } from './plain.ts';

interface Fact {
  readonly object: number;
  readonly objectType: number;
  readonly relation: number;
  readonly subject: number;
  readonly subjectType: number;
  readonly subjectRelation: number;
  readonly guard: number;
}

/** -1 means "no tuple" as a guard, and is the walk's own as an entity: ours begin below. */
const firstOwn = -2;

/** `after` that asks for the base's first run. A base's own are never negative. */
const baseBegins = -1;

const nothing: Run = { entities: [], guards: undefined, start: 0, end: 0, next: 0 };

/**
 * The stored tuples and the contextual ones. `find` answers from a contextual tuple where its key
 * is there; runs show the contextual tuples first and then the stored ones, so the same subject may
 * come twice. Tuples whose types or relations the model does not have are left out.
 */
export function overlay(
  base: TupleReader,
  model: CompiledModel,
  contextualTuples: readonly Tuple[],
): TupleReader {
  return contextualTuples.length === 0 ? base : new Overlay(base, model, contextualTuples);
}

export class Overlay implements TupleReader {
  readonly base: TupleReader;
  private readonly entities = new Map<string, number>();
  private readonly refs: ObjectRef[] = [];
  private readonly guards: Guard[] = [];
  private readonly factsOfObject = new Map<number, Fact[]>();
  private readonly factsOfSubject = new Map<number, Fact[]>();

  constructor(base: TupleReader, model: CompiledModel, contextualTuples: readonly Tuple[]) {
    this.base = base;
    for (const tuple of contextualTuples) {
      const fact = this.intern(model, tuple);
      if (fact === undefined) continue;
      append(this.factsOfObject, fact.object, fact);
      append(this.factsOfSubject, fact.subject, fact);
    }
  }

  /** Whether any contextual tuple is of this kind. */
  has({ relation, subjectType, subjectRelation }: TupleKind): boolean {
    for (const facts of this.factsOfObject.values()) {
      for (const fact of facts) {
        if (fact.relation !== relation || fact.subjectType !== subjectType) continue;
        if (fact.subjectRelation === subjectRelation) return true;
      }
    }
    return false;
  }

  symbol(text: string): number {
    return this.base.symbol(text);
  }

  entity(type: number, id: string): number {
    const stored = this.base.entity(type, id);
    return stored === 0 ? (this.entities.get(`${type}:${id}`) ?? 0) : stored;
  }

  entityRef(entity: number): ObjectRef {
    if (entity > 0) return this.base.entityRef(entity);
    const ref = this.refs[firstOwn - entity];
    assert(ref !== undefined, 'the entity came from this reader');
    return ref;
  }

  idsOf(entities: readonly number[]): string[] {
    const areStored = entities.every((entity) => entity > 0);
    return areStored
      ? this.base.idsOf(entities)
      : entities.map((entity) => this.entityRef(entity).id);
  }

  guard(guard: number): Guard {
    if (guard > 0) return this.base.guard(guard);
    const own = this.guards[firstOwn - guard];
    assert(own !== undefined, 'the guard came from this reader');
    return own;
  }

  find(object: number, relation: number, subject: number, subjectRelation: number): number {
    for (const fact of this.factsOfObject.get(object) ?? []) {
      if (isAt(fact, relation, subject, subjectRelation)) return fact.guard;
    }
    return this.findStored(object, relation, subject, subjectRelation);
  }

  /** The guards of every tuple of a key, contextual ones first: what a run would show of it. */
  findAll(
    object: number,
    relation: number,
    subject: number,
    subjectRelation: number,
  ): readonly number[] {
    const facts = this.factsOfObject.get(object) ?? [];
    const guards = facts
      .filter((fact) => isAt(fact, relation, subject, subjectRelation))
      .map((fact) => fact.guard);
    const stored = this.findStored(object, relation, subject, subjectRelation);
    return stored === noTuple ? guards : [...guards, stored];
  }

  private findStored(
    object: number,
    relation: number,
    subject: number,
    subjectRelation: number,
  ): number {
    if (object <= 0 || subject <= 0) return noTuple;
    return this.base.find(object, relation, subject, subjectRelation);
  }

  subjects(
    object: number,
    relation: number,
    subjectType: number,
    subjectRelation: number,
    after: number,
  ): Run {
    if (after === 0) {
      const facts = this.factsOfObject
        .get(object)
        ?.filter(
          (fact) =>
            fact.relation === relation &&
            fact.subjectType === subjectType &&
            fact.subjectRelation === subjectRelation,
        );
      if (facts !== undefined && facts.length > 0) {
        return runOf(facts, (fact) => fact.subject, object > 0 ? baseBegins : 0);
      }
    }
    if (object <= 0) return nothing;
    const from = after === baseBegins ? 0 : after;
    return this.base.subjects(object, relation, subjectType, subjectRelation, from);
  }

  objects(
    subject: number,
    subjectRelation: number,
    relation: number,
    objectType: number,
    after: number,
  ): Run {
    if (after === 0) {
      const facts = this.factsOfSubject
        .get(subject)
        ?.filter(
          (fact) =>
            fact.relation === relation &&
            fact.objectType === objectType &&
            fact.subjectRelation === subjectRelation,
        );
      if (facts !== undefined && facts.length > 0) {
        return runOf(facts, (fact) => fact.object, subject > 0 ? baseBegins : 0);
      }
    }
    if (subject <= 0) return nothing;
    const from = after === baseBegins ? 0 : after;
    return this.base.objects(subject, subjectRelation, relation, objectType, from);
  }

  private intern(model: CompiledModel, tuple: Tuple): Fact | undefined {
    assert(tuple.expiresAt === undefined, 'a contextual tuple is there for its request, no longer');
    const { object, subject } = tuple;
    const relation = model.relations[model.relationIndex(object.type, tuple.relation)];
    const subjectType = model.typeSymbol(subject.type);
    if (relation === undefined || subjectType === 0) return undefined;
    let subjectRelation = 0;
    if (subject.relation !== '') {
      const target = model.relations[model.relationIndex(subject.type, subject.relation)];
      if (target === undefined) return undefined;
      subjectRelation = target.symbol;
    }
    return {
      object: this.internEntity(relation.type, object),
      objectType: relation.type,
      relation: relation.symbol,
      subject: this.internEntity(subjectType, subject),
      subjectType,
      subjectRelation,
      guard: tuple.condition === undefined ? noGuard : this.internGuard(model, tuple.condition),
    };
  }

  private internEntity(type: number, ref: ObjectRef): number {
    const known = this.entity(type, ref.id);
    if (known !== 0) return known;
    const entity = firstOwn - this.refs.length;
    this.refs.push({ type: ref.type, id: ref.id });
    this.entities.set(`${type}:${ref.id}`, entity);
    return entity;
  }

  private internGuard(model: CompiledModel, condition: TupleCondition): number {
    let symbol = 0;
    for (const [candidate, { definition }] of model.conditions) {
      if (definition.name === condition.name) symbol = candidate;
    }
    this.guards.push({ condition: symbol, context: condition.context, expiresAt: undefined });
    return firstOwn - (this.guards.length - 1);
  }
}

function isAt(fact: Fact, relation: number, subject: number, subjectRelation: number): boolean {
  return (
    fact.subject === subject &&
    fact.relation === relation &&
    fact.subjectRelation === subjectRelation
  );
}

function append(facts: Map<number, Fact[]>, key: number, fact: Fact): void {
  const known = facts.get(key);
  if (known === undefined) facts.set(key, [fact]);
  else known.push(fact);
}

function runOf(facts: readonly Fact[], entityOf: (fact: Fact) => number, next: number): Run {
  return {
    entities: facts.map(entityOf),
    guards: facts.map((fact) => fact.guard),
    start: 0,
    end: facts.length,
    next,
  };
}
