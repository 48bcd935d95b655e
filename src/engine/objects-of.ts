/**
 * The objects to which a subject has relations: exactly those that a check allows, for any number
 * of types and relations in one walk. Where a check has no answer, the list says so and goes on.
 *
 * Without a scope it walks backwards from the subject; with one, it checks what lies in the scope.
 */
import type { JsonObject } from '../base/json.ts';
import { limits } from '../base/limits.ts';
import type { CompiledModel, CompiledRelation } from '../model/compiled.ts';
import type { ObjectRef, SubjectRef, Tuple } from '../model/tuple.ts';
import type { TupleReader } from '../storage/tuple-reader.ts';
import { BackwardWalk } from './backward-walk.ts';
import { Facts } from './facts.ts';
import { Findings, RelationSets, type Row, refuseTooMany } from './findings.ts';
import { allIdsOf } from './ids.ts';
import { overlay } from './overlay.ts';
import { objectsUnder, type Scope } from './scope.ts';
import { sorted } from './sorted.ts';
import { type Interrupt, Steps } from './steps.ts';
import { causeOf, trueValue } from './value.ts';
import type { Verdict } from './verdict.ts';
import { DepthFirstWalk } from './walk.ts';

export interface ObjectsRequest {
  readonly subject: SubjectRef;
  /** Relation indexes: which relations of which types. */
  readonly relations: readonly number[];
  readonly scope: Scope | undefined;
  readonly contextualTuples: readonly Tuple[];
  readonly context: JsonObject;
  /** Milliseconds since 1970: tuples that expire by then do not count. */
  readonly now: number;
  /** Rows of a list that is not refused; `limits.listRowsMax` unless given. */
  readonly rowsMax?: number;
  /** Usersets in a row that a check may follow; `limits.checkDepthMax` unless given. */
  readonly depthMax?: number;
  /** What one check may visit; `limits.checkStepsMax` unless given. */
  readonly stepsMax?: number;
  /** Steps between two pauses; `limits.listSliceSteps` unless given. */
  readonly sliceSteps?: number;
  /** For the check of one candidate, which is done in one go. */
  readonly interrupt?: Interrupt | undefined;
}

export interface ObjectRow extends Row {
  readonly object: ObjectRef;
}

const allowed: Verdict = { kind: 'allowed' };

/** Takes what is to be said of a relation of an object. */
type Note = (object: number, relation: number, verdict: Verdict) => void;

type Pauses = Generator<undefined, void, void>;

/** What was found of the objects of one type. */
export interface ObjectsOfType {
  readonly type: string;
  /** By place. */
  readonly ids: readonly string[];
  /** The places, in the order of the code points of the ids. */
  readonly order: Int32Array;
  /** By place. */
  readonly findings: Findings;
}

/** One row for each object: see `findObjectsOf`. */
export function* objectsOf(
  reader: TupleReader,
  model: CompiledModel,
  request: ObjectsRequest,
): Generator<undefined, readonly ObjectRow[], void> {
  const steps = new Steps(request.sliceSteps);
  const rows: ObjectRow[] = [];
  for (const { type, ids, order, findings } of yield* findObjectsOf(reader, model, request)) {
    for (const place of order) {
      rows.push({
        object: { type, id: ids[place] as string },
        relations: findings.relationsAt(place),
        unanswered: findings.unansweredAt(place),
      });
      if (steps.take()) yield undefined;
    }
  }
  return rows;
}

/**
 * ENSURES: found are those objects for which a check allows one of the relations or has no answer
 * to one; types in the order of the model, then ids in the order of their code points. An object to
 * which no tuples lead is no row, also where a check gives up before it could deny.
 *
 * Yields where it may be interrupted. REQUIRES: the reader stays at its revision.
 */
export function* findObjectsOf(
  reader: TupleReader,
  model: CompiledModel,
  request: ObjectsRequest,
): Generator<undefined, readonly ObjectsOfType[], void> {
  const { subject, context, now, rowsMax = limits.listRowsMax } = request;
  const depthMax = request.depthMax ?? limits.checkDepthMax;
  const facts = new Facts(overlay(reader, model, request.contextualTuples), model, {
    subject,
    context,
    now,
    depthMax,
    stepsMax: request.stepsMax ?? limits.checkStepsMax,
    interrupt: request.interrupt,
  });
  const steps = new Steps(request.sliceSteps, facts);
  const checks = new DepthFirstWalk(facts, depthMax);
  const goals = request.relations.filter((relation) => facts.canReach(relation));
  const found = new FindingsByType(model, goals, rowsMax);
  const note: Note = (object, relation, verdict) => {
    if (verdict.kind !== 'denied') found.add(object, relation, verdict);
  };
  if (request.scope === undefined) yield* reached(checks, steps, goals, note);
  else yield* scoped(checks, steps, goals, { scope: request.scope, note });

  const types: ObjectsOfType[] = [];
  for (const type of model.model.types.keys()) {
    const findings = found.ofType(type);
    if (findings === undefined) continue;
    const ids = yield* allIdsOf(facts.reader, findings.entities, subject.id, steps);
    types.push({ type, ids, order: yield* sorted(ids, steps), findings });
  }
  return types;
}

/** What was found of all objects together. */
class FindingsByType {
  private readonly model: CompiledModel;
  private readonly rowsMax: number;
  private readonly types = new Map<string, Findings>();
  /** By relation: those of its type. */
  private readonly byRelation: (Findings | undefined)[] = [];
  private rows = 0;

  constructor(model: CompiledModel, goals: readonly number[], rowsMax: number) {
    this.model = model;
    this.rowsMax = rowsMax;
    const sets = new RelationSets(model);
    for (const [type, ofType] of Map.groupBy(goals, (goal) => this.typeOf(goal))) {
      // One relation is found of each object once.
      const findings = new Findings(sets, { together: ofType.length === 1 });
      this.types.set(type, findings);
      for (const goal of ofType) this.byRelation[goal] = findings;
    }
  }

  /** REQUIRES: one of the goals. */
  add(object: number, relation: number, verdict: Exclude<Verdict, { kind: 'denied' }>): void {
    const findings = this.byRelation[relation] as Findings;
    const before = findings.size;
    findings.add(object, relation, verdict);
    this.rows += findings.size - before;
    if (this.rows > this.rowsMax) refuseTooMany('objects', this.rowsMax);
  }

  ofType(type: string): Findings | undefined {
    return this.types.get(type);
  }

  private typeOf(relation: number): string {
    return (this.model.relations[relation] as CompiledRelation).typeName;
  }
}

/** Everything that the subject's tuples lead to; what is not proven on the way is checked. */
function* reached(
  checks: DepthFirstWalk,
  steps: Steps,
  goals: readonly number[],
  note: Note,
): Pauses {
  if (goals.length === 0) return;
  const walk = new BackwardWalk(checks, steps, {
    goals,
    doubts: 'follow',
    arrive(object, relation, proven) {
      note(object, relation, proven ? allowed : checks.checkEntity(object, relation));
    },
  });
  yield* walk.run();
}

/** Everything in the scope. What is in it by an open condition has no answer where a check has yes. */
function* scoped(
  checks: DepthFirstWalk,
  steps: Steps,
  goals: readonly number[],
  { scope, note }: { readonly scope: Scope; readonly note: Note },
): Pauses {
  const { facts } = checks;
  const goalsByType = Map.groupBy(goals, (goal) => facts.model.relations[goal]?.type);
  for (const place of objectsUnder(facts, scope, steps)) {
    if (place === undefined) {
      yield undefined;
      continue;
    }
    const { object, value } = place;
    for (const relation of goalsByType.get(place.relation.type) ?? []) {
      const verdict = checks.checkEntity(object, relation);
      const isOpen = value !== trueValue && verdict.kind === 'allowed';
      note(object, relation, isOpen ? facts.unanswered(causeOf(value)) : verdict);
      if (steps.take()) yield undefined;
    }
  }
}
