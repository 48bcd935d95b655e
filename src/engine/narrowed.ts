/**
 * A TupleReader over another that shows less of it: without stored tuples that somebody else decides,
 * and without stored values for parameters that nobody may store. What is laid over it, contextual
 * tuples, is not narrowed.
 */
import type { JsonObject } from '../base/json.ts';
import type { CompiledModel } from '../model/compiled.ts';
import type { ObjectRef } from '../model/tuple.ts';
import { type Guard, noTuple, type Run, type TupleReader } from '../storage/tuple-reader.ts';

/** Stored tuples that do not count: those of these relations that name this very subject. */
export interface Hidden {
  readonly subject: ObjectRef;
  readonly relations: readonly { readonly type: string; readonly relation: string }[];
}

export interface Narrowing {
  readonly hidden: Hidden | undefined;
  /** Names of parameters whose stored values do not count; undefined where all do. */
  readonly isReserved: ((name: string) => boolean) | undefined;
}

/** The base itself where there is nothing in it to leave out. */
export function narrowed(
  base: TupleReader,
  model: CompiledModel,
  { hidden, isReserved }: Narrowing,
): TupleReader {
  const types = typesByRelation(model, hidden);
  const subjectType = hidden === undefined ? 0 : model.typeSymbol(hidden.subject.type);
  const subject = hidden === undefined ? 0 : base.entity(subjectType, hidden.subject.id);
  const hides = subject !== 0 && types.size > 0;
  if (!hides && isReserved === undefined) return base;
  return new Narrowed(base, { subject: hides ? subject : 0, subjectType, types }, isReserved);
}

/** The names of the types on which tuples are hidden, by the relation's symbol. */
type Types = ReadonlyMap<number, ReadonlySet<string>>;

function typesByRelation(model: CompiledModel, hidden: Hidden | undefined): Types {
  const types = new Map<number, Set<string>>();
  for (const { type, relation } of hidden?.relations ?? []) {
    const compiled = model.relations[model.relationIndex(type, relation)];
    if (compiled === undefined) continue;
    const known = types.get(compiled.symbol);
    if (known === undefined) types.set(compiled.symbol, new Set([type]));
    else known.add(type);
  }
  return types;
}

interface Left {
  /** 0 where nothing is hidden. */
  readonly subject: number;
  readonly subjectType: number;
  readonly types: Types;
}

const nothing: Run = { entities: [], guards: undefined, start: 0, end: 0, next: 0 };

class Narrowed implements TupleReader {
  private readonly base: TupleReader;
  private readonly left: Left;
  private readonly isReserved: ((name: string) => boolean) | undefined;

  constructor(base: TupleReader, left: Left, isReserved: Narrowing['isReserved']) {
    this.base = base;
    this.left = left;
    this.isReserved = isReserved;
  }

  symbol(text: string): number {
    return this.base.symbol(text);
  }

  entity(type: number, id: string): number {
    return this.base.entity(type, id);
  }

  entityRef(entity: number): ObjectRef {
    return this.base.entityRef(entity);
  }

  idsOf(entities: readonly number[]): string[] {
    return this.base.idsOf(entities);
  }

  guard(guard: number): Guard {
    const whole = this.base.guard(guard);
    const { isReserved } = this;
    if (isReserved === undefined || !Object.keys(whole.context).some(isReserved)) return whole;
    const context: JsonObject = Object.fromEntries(
      Object.entries(whole.context).filter(([name]) => !isReserved(name)),
    );
    return { ...whole, context };
  }

  find(object: number, relation: number, subject: number, subjectRelation: number): number {
    const names = subject === this.left.subject && subjectRelation === 0;
    if (names && this.hides(object, relation)) return noTuple;
    return this.base.find(object, relation, subject, subjectRelation);
  }

  subjects(
    object: number,
    relation: number,
    subjectType: number,
    subjectRelation: number,
    after: number,
  ): Run {
    const run = this.base.subjects(object, relation, subjectType, subjectRelation, after);
    if (subjectRelation !== 0 || subjectType !== this.left.subjectType) return run;
    return this.hides(object, relation) ? without(run, this.left.subject) : run;
  }

  objects(
    subject: number,
    subjectRelation: number,
    relation: number,
    objectType: number,
    after: number,
  ): Run {
    const run = this.base.objects(subject, subjectRelation, relation, objectType, after);
    if (subject !== this.left.subject || subjectRelation !== 0 || run.start === run.end) return run;
    // All of a run are of one type, and all of the runs are hidden if one is.
    return this.hides(run.entities[run.start] as number, relation) ? nothing : run;
  }

  private hides(object: number, relation: number): boolean {
    if (this.left.subject === 0) return false;
    const types = this.left.types.get(relation);
    return types?.has(this.base.entityRef(object).type) ?? false;
  }
}

function without(run: Run, entity: number): Run {
  const entities: number[] = [];
  const guards: number[] | undefined = run.guards === undefined ? undefined : [];
  for (let i = run.start; i < run.end; i++) {
    if (run.entities[i] === entity) continue;
    entities.push(run.entities[i] as number);
    guards?.push(run.guards?.[i] as number);
  }
  return { entities, guards, start: 0, end: entities.length, next: run.next };
}
