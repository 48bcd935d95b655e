/**
 * How far a walk along a plain relation can go, whoever asks: the longest chain of tuples below a
 * question. Where it is short of the depth limit, a subject that is known not to have the relation
 * is denied, and not refused for the depth. It may say too much and never too little.
 */
import type { CompiledRelation, Edge, Plan } from '../model/compiled.ts';
import type { TupleReader } from '../storage/tuple-reader.ts';
import { type Facts, stranger } from './facts.ts';
import type { Plain } from './plain.ts';

/** As high as that, or higher, or without an end. */
export const tall = Number.POSITIVE_INFINITY;

/** What the JavaScript stack must hold, in questions. */
const levelsMax = 200;

/** Of the steps of a check: whatever takes more to measure is taken for tall, and is walked. */
const shareOfSteps = 1 / 16;

export class Heights {
  private readonly facts: Facts;
  private readonly reader: TupleReader;
  private readonly plain: Plain;
  private readonly hopsMax: number;
  private readonly known = new Map<number, number>();
  /** Questions that were tall with so many hops left: then they are with fewer. */
  private readonly tallWith = new Map<number, number>();
  private levels = 0;
  private stepsLeft: number;

  /** Whatever takes `hopsMax` hops or more is tall. */
  constructor(facts: Facts, reader: TupleReader, plain: Plain, hopsMax: number) {
    this.facts = facts;
    this.reader = reader;
    this.plain = plain;
    this.hopsMax = hopsMax;
    this.stepsLeft = facts.stepsMax * shareOfSteps;
  }

  /** Of the questions behind the tuples of one edge: the highest of them. */
  behind(edge: Edge, target: number, object: number, relation: CompiledRelation): number {
    return this.along(edge, target, object, relation, this.hopsMax);
  }

  /** Of one question. How much is left to go may decide whether it is tall. */
  of(object: number, relation: number, hopsLeft = this.hopsMax): number {
    const most = this.plain.hopsMax[relation] as number;
    if (most < hopsLeft) return most;
    if (hopsLeft <= 0 || this.levels === levelsMax) return tall;
    const key = object * this.facts.model.relations.length + relation;
    const known = this.known.get(key);
    if (known !== undefined) return known < hopsLeft ? known : tall;
    if (hopsLeft <= (this.tallWith.get(key) ?? 0) || !this.mayStep()) return tall;
    this.levels++;
    const compiled = this.facts.model.relations[relation] as CompiledRelation;
    const height = this.below(compiled.plan, object, compiled, hopsLeft);
    this.levels--;
    if (height !== tall) this.known.set(key, height);
    else this.tallWith.set(key, hopsLeft);
    return height;
  }

  private mayStep(): boolean {
    if (this.stepsLeft <= 0) return false;
    this.stepsLeft--;
    this.facts.step();
    return true;
  }

  private below(plan: Plan, object: number, relation: CompiledRelation, hopsLeft: number): number {
    let height = 0;
    switch (plan.kind) {
      case 'direct':
        for (const edge of plan.edges) {
          if (edge.target === -1) continue;
          const next = this.along(edge, edge.target, object, relation, hopsLeft - 1);
          if (next === tall) return tall;
          height = Math.max(height, next + 1);
        }
        return height;
      case 'computed':
        return this.of(object, plan.relation, hopsLeft);
      case 'from': {
        const tupleset = this.facts.model.relations[plan.tupleset] as CompiledRelation;
        for (const { edge, target } of plan.arrows) {
          const next = this.along(edge, target, object, tupleset, hopsLeft - 1);
          if (next === tall) return tall;
          height = Math.max(height, next + 1);
        }
        return height;
      }
      case 'union':
        for (const child of plan.children) {
          const next = this.below(child, object, relation, hopsLeft);
          if (next === tall) return tall;
          height = Math.max(height, next);
        }
        return height;
      case 'intersection':
      case 'exclusion':
        return tall;
    }
  }

  private along(
    edge: Edge,
    target: number,
    object: number,
    relation: CompiledRelation,
    hopsLeft: number,
  ): number {
    if (object === stranger) return 0;
    const { subjectType, subjectRelation } = edge;
    let height = 0;
    let after = 0;
    do {
      const { symbol } = relation;
      const run = this.reader.subjects(object, symbol, subjectType, subjectRelation, after);
      after = run.next;
      const { entities, end } = run;
      for (let i = run.start; i < end; i++) {
        if (!this.mayStep()) return tall;
        height = Math.max(height, this.of(entities[i] as number, target, hopsLeft));
        if (height === tall) return tall;
      }
    } while (after !== 0);
    return height;
  }
}
