/**
 * The subjects that have relations to an object: exactly those that a check allows, for any number
 * of kinds of subject and of relations. Where a check has no answer, the list says so and goes on.
 *
 * Each kind is worked out over whole sets. Whoever is in the set however the doubts turn out is
 * allowed; whoever is in it only if they turn out well is checked.
 */
import { compareBytes } from '../base/bytes.ts';
import type { JsonObject } from '../base/json.ts';
import { limits } from '../base/limits.ts';
import type { CompiledModel } from '../model/compiled.ts';
import { type ObjectRef, type SubjectRef, type Tuple, wildcardId } from '../model/tuple.ts';
import type { TupleReader } from '../storage/tuple-reader.ts';
import { EntityFlags } from './entity-flags.ts';
import { Facts, stranger } from './facts.ts';
import { Findings, RelationNames, type Row, refuseExceptions, refuseTooMany } from './findings.ts';
import { overlay } from './overlay.ts';
import { sorted } from './sorted.ts';
import { type Interrupt, Steps } from './steps.ts';
import { has, type Pauses, type SubjectSet } from './subject-set.ts';
import { SubjectSolution } from './subject-solution.ts';
import { SubjectSystem } from './subject-system.ts';
import type { Verdict } from './verdict.ts';
import { DepthFirstWalk } from './walk.ts';

/** Objects and the wildcard of a type, or the usersets of a relation. */
export interface SubjectKind {
  readonly type: string;
  readonly relation: string;
}

export interface SubjectsRequest {
  readonly object: ObjectRef;
  /** Indexes of relations of the object's type. */
  readonly relations: readonly number[];
  /** In the order in which they are listed, each once. */
  readonly kinds: readonly SubjectKind[];
  readonly contextualTuples: readonly Tuple[];
  readonly context: JsonObject;
  /** Milliseconds since 1970: tuples that expire by then do not count. */
  readonly now: number;
  /** Rows of a list that is not refused; `limits.listRowsMax` unless given. */
  readonly rowsMax?: number;
  /** Whom a wildcard may leave out; `limits.listExceptionsMax` unless given. */
  readonly exceptionsMax?: number;
  /** Usersets in a row that a check may follow; `limits.checkDepthMax` unless given. */
  readonly depthMax?: number;
  /** What one check may visit; `limits.checkStepsMax` unless given. */
  readonly stepsMax?: number;
  /** Steps between two pauses; `limits.listSliceSteps` unless given. */
  readonly sliceSteps?: number;
  /** For the check of one candidate, which is done in one go. */
  readonly interrupt?: Interrupt | undefined;
}

export interface SubjectRow extends Row {
  readonly subject: SubjectRef;
  /**
   * Of a wildcard: the ids of those who lack one of the relations that it has, or may have. One that
   * has others of them has a row too.
   */
  readonly except: readonly string[];
}

const allowed: Verdict = { kind: 'allowed' };
const denied: Verdict = { kind: 'denied' };

/**
 * ENSURES: a subject that a tuple on the way from the object names has a row if and only if a check
 * allows one of the relations or has no answer to one. For all others of a type its wildcard speaks,
 * whose row comes before them. Ids are in the order of their code points. A subject that no tuples
 * lead to is no row, also where a check gives up before it could deny.
 *
 * Yields where it may be interrupted. REQUIRES: the reader stays at its revision.
 */
export function* subjectsOf(
  reader: TupleReader,
  model: CompiledModel,
  request: SubjectsRequest,
): Pauses<readonly SubjectRow[]> {
  const { rowsMax = limits.listRowsMax } = request;
  const tuples = overlay(reader, model, request.contextualTuples);
  const steps = new Steps(request.sliceSteps);
  const names = new RelationNames(model);
  const rows: SubjectRow[] = [];
  for (const kind of request.kinds) {
    const room = rowsMax - rows.length;
    const list = new KindList({ tuples, model, request, steps, names }, kind);
    const own = yield* list.rows(room);
    if (own.length > room) refuseTooMany('subjects', rowsMax);
    // A kind can be too long to be spread into arguments.
    for (const row of own) rows.push(row);
  }
  return rows;
}

interface Parts {
  readonly tuples: TupleReader;
  readonly model: CompiledModel;
  readonly request: SubjectsRequest;
  readonly steps: Steps;
  readonly names: RelationNames;
}

/** One of the relations asked for: who has it for certain, and who may have it. */
interface Answer {
  readonly relation: number;
  readonly certain: SubjectSet;
  readonly possible: SubjectSet;
}

/** The subjects of one kind. */
class KindList {
  private readonly parts: Parts;
  private readonly kind: SubjectKind;
  private readonly facts: Facts;
  private readonly root: number;

  constructor(parts: Parts, kind: SubjectKind) {
    this.parts = parts;
    this.kind = kind;
    // Stands for all of its kind.
    this.facts = this.factsOf({ ...kind, id: wildcardId });
    const { type, id } = parts.request.object;
    this.root = parts.tuples.entity(parts.model.typeSymbol(type), id) || stranger;
  }

  /** More than `rowsMax` are not looked for. */
  *rows(rowsMax: number): Pauses<readonly SubjectRow[]> {
    const { request, steps } = this.parts;
    const relations = request.relations.filter((relation) => this.facts.canReach(relation));
    if (relations.length === 0) return [];
    const limit = { depthMax: this.depthMax, doubts: 'follow' } as const;
    const system = new SubjectSystem(this.facts, steps, limit);
    yield* system.read(this.root, relations);
    const answers = yield* this.answers(system, relations);

    const everyone = new Findings();
    const open = yield* this.ask(wildcardId, everyone, answers, (set) => set.rest);
    const except: string[] = [];
    const rows: SubjectRow[] = [];
    for (const entity of (yield* this.namedIn(system)).entities) {
      const findings = new Findings();
      const { id } = entity === stranger ? request.object : this.parts.tuples.entityRef(entity);
      const own = yield* this.ask(id, findings, answers, (set) => has(set, entity));
      if (open.some((verdict, at) => verdict.kind !== 'denied' && own[at]?.kind === 'denied')) {
        except.push(id);
      }
      if (!findings.isEmpty) rows.push(this.row(id, findings));
      if (rows.length > rowsMax) return rows;
      if (steps.take()) yield undefined;
    }
    const inOrder = yield* sorted(rows, bySubject, steps);
    if (everyone.isEmpty) return inOrder;
    const exceptionsMax = request.exceptionsMax ?? limits.listExceptionsMax;
    if (except.length > exceptionsMax) refuseExceptions(this.kind.type, exceptionsMax);
    const inOrderToo = yield* sorted(except, compareBytes, steps);
    return [{ ...this.row(wildcardId, everyone), except: inOrderToo }, ...inOrder];
  }

  private *namedIn(system: SubjectSystem): Pauses<EntityFlags> {
    const entities = new EntityFlags();
    for (const { named } of system.unions) {
      for (const entity of named) {
        entities.set(entity, true);
        if (this.parts.steps.take()) yield undefined;
      }
      if (this.parts.steps.take()) yield undefined;
    }
    return entities;
  }

  private *answers(system: SubjectSystem, relations: readonly number[]): Pauses<Answer[]> {
    const { steps } = this.parts;
    const certain = new SubjectSolution(system, steps, { doubtsHold: false });
    yield* certain.solve();
    const possible = system.doubtful
      ? new SubjectSolution(system, steps, { doubtsHold: true })
      : certain;
    if (possible !== certain) yield* possible.solve();
    const answers: Answer[] = [];
    for (const [place, relation] of relations.entries()) {
      const sure = yield* certain.answer(place);
      const may = possible === certain ? sure : yield* possible.answer(place);
      answers.push({ relation, certain: sure, possible: may });
    }
    return answers;
  }

  /** The answers for one subject, by relation. */
  private *ask(
    id: string,
    findings: Findings,
    answers: readonly Answer[],
    isIn: (set: SubjectSet) => boolean,
  ): Pauses<readonly Verdict[]> {
    let walk: DepthFirstWalk | undefined;
    const verdicts: Verdict[] = [];
    for (const { relation, certain, possible } of answers) {
      let verdict = isIn(certain) ? allowed : denied;
      if (verdict === denied && isIn(possible)) {
        walk ??= new DepthFirstWalk(this.factsOf({ ...this.kind, id }), this.depthMax);
        verdict = walk.checkEntity(walk.facts.entityOf(this.parts.request.object), relation);
      }
      findings.add(relation, verdict);
      verdicts.push(verdict);
    }
    if (walk !== undefined && this.parts.steps.take(walk.facts.stepsTaken())) yield undefined;
    return verdicts;
  }

  private get depthMax(): number {
    return this.parts.request.depthMax ?? limits.checkDepthMax;
  }

  private factsOf(subject: SubjectRef): Facts {
    const { tuples, model, request } = this.parts;
    return new Facts(tuples, model, {
      subject,
      context: request.context,
      now: request.now,
      depthMax: this.depthMax,
      stepsMax: request.stepsMax ?? limits.checkStepsMax,
      interrupt: request.interrupt,
    });
  }

  private row(id: string, findings: Findings): SubjectRow {
    return { subject: { ...this.kind, id }, ...findings.row(this.parts.names), except: [] };
  }
}

function bySubject(a: SubjectRow, b: SubjectRow): number {
  return compareBytes(a.subject.id, b.subject.id);
}
