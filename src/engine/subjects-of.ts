/**
 * The subjects that have relations to an object: exactly those that a check allows, for any number
 * of kinds of subject and of relations. Where a check has no answer, the list says so and goes on.
 *
 * Each kind is worked out over whole sets. Whoever is in the set however the doubts turn out is
 * allowed; whoever is in it only if they turn out well is checked.
 */
import type { JsonObject } from '../base/json.ts';
import { limits } from '../base/limits.ts';
import type { CompiledModel } from '../model/compiled.ts';
import { type ObjectRef, type SubjectRef, type Tuple, wildcardId } from '../model/tuple.ts';
import type { TupleReader } from '../storage/tuple-reader.ts';
import { EntityList } from './entity-list.ts';
import { Facts, stranger } from './facts.ts';
import {
  Findings,
  noneHeld,
  RelationSets,
  type Row,
  refuseExceptions,
  refuseTooMany,
} from './findings.ts';
import { allIdsOf } from './ids.ts';
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

/** In the place of an entity, for all whom no tuple names. */
const wildcardPlace = 0;

const nobodyElse: readonly string[] = [];

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
  const sets = new RelationSets(model);
  const rows: SubjectRow[] = [];
  for (const kind of request.kinds) {
    const list = new KindList({ tuples, model, request, steps, sets }, kind);
    // A kind can be too long to be spread into arguments.
    for (const row of yield* list.rows(rowsMax - rows.length)) rows.push(row);
  }
  return rows;
}

interface Parts {
  readonly tuples: TupleReader;
  readonly model: CompiledModel;
  readonly request: SubjectsRequest;
  readonly steps: Steps;
  readonly sets: RelationSets;
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

  /** More than `room` are refused. */
  *rows(room: number): Pauses<readonly SubjectRow[]> {
    const { request, steps } = this.parts;
    const relations = request.relations.filter((relation) => this.facts.canReach(relation));
    if (relations.length === 0) return [];
    const limit = { depthMax: this.depthMax, doubts: 'follow' } as const;
    const system = new SubjectSystem(this.facts, steps, limit);
    yield* system.read(this.root, relations);
    const answers = yield* this.answers(system, relations);

    const open = yield* this.ask(wildcardId, answers, (set) => set.rest);
    const everyone = new Findings(this.parts.sets, { together: true });
    this.note(everyone, wildcardPlace, answers, open);
    const isOpen = open.map((verdict) => verdict.kind !== 'denied');
    const [answer] = answers;
    // Along unions alone, whoever is named is in.
    const isPlain = answers.length === 1 && system.operators.length === 0 && !system.doubtful;
    if (isPlain && answer !== undefined) return yield* this.plainRows(answer, everyone, room);
    const { entities } = yield* this.namedIn(system);
    const ids = yield* allIdsOf(this.parts.tuples, entities, request.object.id, steps);
    const findings = new Findings(this.parts.sets, { together: true });
    const listed: string[] = [];
    const except: string[] = [];
    for (const [place, entity] of entities.entries()) {
      const id = ids[place] as string;
      const isLeftOut =
        this.noteCertain(findings, entity, answers, isOpen) ??
        (yield* this.noteAsked(findings, { entity, id }, answers, isOpen));
      if (isLeftOut) except.push(id);
      if (findings.size > listed.length) listed.push(id);
      if (listed.length > room) refuseTooMany('subjects', this.rowsMax);
      if (steps.take()) yield undefined;
    }
    if (listed.length + everyone.size > room) refuseTooMany('subjects', this.rowsMax);
    return yield* this.inOrder({ everyone, findings, listed, except });
  }

  private *plainRows({ relation, certain }: Answer, everyone: Findings, room: number) {
    const { tuples, request, steps, sets } = this.parts;
    const { entities } = certain.named;
    if (entities.length + everyone.size > room) refuseTooMany('subjects', this.rowsMax);
    const listed = yield* allIdsOf(tuples, entities, request.object.id, steps);
    const findings = new Findings(sets, { together: true });
    const held = sets.with(noneHeld, relation);
    for (const entity of entities) {
      findings.addHeld(entity, held);
      if (steps.take()) yield undefined;
    }
    return yield* this.inOrder({ everyone, findings, listed, except: [] });
  }

  /** The wildcard first, and whom it leaves out. */
  private *inOrder(all: {
    readonly everyone: Findings;
    readonly findings: Findings;
    /** By place among the findings. */
    readonly listed: readonly string[];
    readonly except: readonly string[];
  }): Pauses<readonly SubjectRow[]> {
    const { everyone, findings, listed, except } = all;
    const { request, steps } = this.parts;
    const rows: SubjectRow[] = [];
    if (everyone.size > 0) {
      const exceptionsMax = request.exceptionsMax ?? limits.listExceptionsMax;
      if (except.length > exceptionsMax) refuseExceptions(this.kind.type, exceptionsMax);
      const inOrder = Array.from(yield* sorted(except, steps), (place) => except[place] as string);
      rows.push(this.row(wildcardId, everyone, 0, inOrder));
    }
    for (const place of yield* sorted(listed, steps)) {
      rows.push(this.row(listed[place] as string, findings, place, nobodyElse));
      if (steps.take()) yield undefined;
    }
    return rows;
  }

  private row(id: string, of: Findings, place: number, except: readonly string[]): SubjectRow {
    const { type, relation } = this.kind;
    return {
      subject: { type, id, relation },
      relations: of.relationsAt(place),
      unanswered: of.unansweredAt(place),
      except,
    };
  }

  private *namedIn(system: SubjectSystem): Pauses<EntityList> {
    const entities = new EntityList();
    for (const { named } of system.unions) {
      for (const entity of named) {
        entities.add(entity);
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

  /**
   * Notes the relations of an entity whose answers no doubt touches. Returns whether the wildcard
   * leaves it out; undefined, and nothing is noted, where a check must tell.
   */
  private noteCertain(
    findings: Findings,
    entity: number,
    answers: readonly Answer[],
    isOpen: readonly boolean[],
  ): boolean | undefined {
    let held = noneHeld;
    let isLeftOut = false;
    for (let at = 0; at < answers.length; at++) {
      const { relation, certain, possible } = answers[at] as Answer;
      if (has(certain, entity)) held = this.parts.sets.with(held, relation);
      else if (possible !== certain && has(possible, entity)) return undefined;
      else if (isOpen[at] === true) isLeftOut = true;
    }
    if (held !== noneHeld) findings.addHeld(entity, held);
    return isLeftOut;
  }

  /** The same by checks. */
  private *noteAsked(
    findings: Findings,
    { entity, id }: { readonly entity: number; readonly id: string },
    answers: readonly Answer[],
    isOpen: readonly boolean[],
  ): Pauses<boolean> {
    const verdicts = yield* this.ask(id, answers, (set) => has(set, entity));
    this.note(findings, entity, answers, verdicts);
    return verdicts.some((verdict, at) => isOpen[at] === true && verdict.kind === 'denied');
  }

  private note(
    findings: Findings,
    entity: number,
    answers: readonly Answer[],
    verdicts: readonly Verdict[],
  ): void {
    for (const [at, { relation }] of answers.entries()) {
      const verdict = verdicts[at] as Verdict;
      if (verdict.kind !== 'denied') findings.add(entity, relation, verdict);
    }
  }

  /** The answers for one subject, in the order of `answers`. */
  private *ask(
    id: string,
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
      verdicts.push(verdict);
    }
    if (walk !== undefined && this.parts.steps.take(walk.facts.stepsTaken())) yield undefined;
    return verdicts;
  }

  private get rowsMax(): number {
    return this.parts.request.rowsMax ?? limits.listRowsMax;
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
}
