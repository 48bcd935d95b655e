/**
 * Explains a check: its answer, and the tree of questions, rewrites and tuples that it comes from.
 * The answer is the walk's own; `reasons.ts` says what it rests on, here a tree is made of that.
 */
import { assert, unreachable } from '../base/assert.ts';
import { canonicalJson, type JsonObject, type JsonValue } from '../base/json.ts';
import { limits } from '../base/limits.ts';
import type { CompiledModel } from '../model/compiled.ts';
import { formatTuple, type ObjectRef, type Tuple } from '../model/tuple.ts';
import { noCondition, noGuard, type TupleReader } from '../storage/tuple-reader.ts';
import type {
  End,
  ExplainNode,
  ExplainRequest,
  Explanation,
  Operator,
  Truth,
  UsedTuple,
} from './explanation.ts';
import { Facts } from './facts.ts';
import { smallestGrants } from './grants.ts';
import { overlay } from './overlay.ts';
import { Proofs } from './proofs.ts';
import { type Arrow, type Found, type Question, Reasons, type Term } from './reasons.ts';
import { causeOf, falseValue, isError, trueValue, undefinedValue, type Value } from './value.ts';
import { refusalOf } from './verdict.ts';
import { DepthFirstWalk } from './walk.ts';

/** Throws the check's refusal where it fails; a missing parameter is no failure here. */
export function explain(
  reader: TupleReader,
  model: CompiledModel,
  request: ExplainRequest,
): Explanation {
  const { object, relation, subject, context, now, interrupt } = request;
  const depthMax = request.depthMax ?? limits.checkDepthMax;
  const stepsMax = request.stepsMax ?? limits.checkStepsMax;
  const tuples = overlay(reader, model, request.contextualTuples);
  const facts = new Facts(tuples, model, { subject, context, now, depthMax, stepsMax, interrupt });
  const walk = new DepthFirstWalk(facts, depthMax);
  const verdict = walk.check(object, relation);
  if (verdict.kind === 'failed') throw refusalOf(verdict);
  const reasons = new Reasons(walk, { stepsMax, tuplesMax: limits.explainTuplesMax });
  const root = reasons.question(
    facts.entityOf(object),
    model.relationIndex(object.type, relation),
    object,
  );
  const tree = new Tree(reasons, request.contextualTuples, request.nodesMax);
  const node = tree.ofQuestion(root, 0);
  if (verdict.kind === 'unknown') for (const name of verdict.parameters) tree.missing.add(name);
  const outcome = verdict.kind === 'unknown' ? 'conditional' : verdict.kind;
  return {
    outcome,
    missing: outcome === 'conditional' ? [...tree.missing].sort() : [],
    tree: node,
    truncated: tree.truncated,
    wouldAllow:
      outcome === 'denied' ? smallestGrants(reasons, root, { reader, model, request }) : [],
  };
}

class Tree {
  truncated = false;
  readonly missing = new Set<string>();
  private readonly reasons: Reasons;
  private readonly proofs: Proofs;
  private readonly contextual: ReadonlySet<string>;
  /** Nodes that may still be made. */
  private room: number;
  /** By key, whether a question that was met is still open above. */
  private readonly open = new Map<number, boolean>();

  constructor(
    reasons: Reasons,
    contextualTuples: readonly Tuple[],
    nodesMax: number = limits.explainNodesMax,
  ) {
    this.reasons = reasons;
    this.proofs = new Proofs(reasons);
    this.contextual = new Set(contextualTuples.map(textOf));
    assert(nodesMax > 0, 'there is room for the question itself');
    this.room = nodesMax - 1;
  }

  /** REQUIRES: room was taken for it. */
  ofQuestion(question: Question, depth: number): ExplainNode {
    const end = this.endOf(question);
    if (end !== undefined) {
      const { object, relation, value } = question;
      if (end === 'truncated') this.truncated = true;
      return nodeOf({ object, relation: relation.name }, relation.plan.kind, value, { end });
    }
    this.open.set(question.key, true);
    const node = this.ofTerm(this.reasons.term(question), question, depth);
    this.open.set(question.key, false);
    return { ...node, value: truthOf(question.value) };
  }

  private endOf(question: Question): End | undefined {
    const { facts } = this.reasons;
    const { entity, relation, key, value } = question;
    if (facts.isSubject(entity, relation.index)) return 'subject';
    if (!facts.canReach(relation.index)) return 'impossible';
    const open = this.open.get(key);
    if (open !== undefined) return open ? 'cycle' : 'repeated';
    if (value !== trueValue) return undefined;
    this.proofs.measure(question);
    return this.proofs.isUnread(question) ? 'truncated' : undefined;
  }

  private ofTerm(term: Term, at: Question, depth: number): ExplainNode {
    const question = { object: at.object, relation: at.relation.name };
    const below = depth + 1;
    switch (term.kind) {
      case 'direct':
      case 'from':
        return this.ofTuples(term, question, below);
      case 'computed':
        return nodeOf(question, 'computed', term.value, this.below(term.question, below));
      case 'union':
      case 'intersection':
      case 'exclusion':
        return this.ofParts(term, at, below);
      default:
        return unreachable(term);
    }
  }

  private ofParts(
    term: Extract<Term, { kind: 'union' | 'intersection' | 'exclusion' }>,
    at: Question,
    depth: number,
  ): ExplainNode {
    const question = { object: at.object, relation: at.relation.name };
    const shown = term.kind === 'union' ? this.shownOf(term) : partsOf(term);
    const children: ExplainNode[] = [];
    for (const part of shown) {
      if (!this.take(depth)) break;
      children.push(this.ofTerm(part, at, depth));
    }
    const end = children.length < shown.length ? 'truncated' : undefined;
    return nodeOf(question, term.kind, term.value, { children, end });
  }

  /** Of a true union the part with the shortest proof; of an unknown one what it hangs on. */
  private shownOf(term: Extract<Term, { kind: 'union' | 'intersection' }>): readonly Term[] {
    if (term.value === trueValue) {
      return [least(term.children, (child) => this.proofs.costOf(child))];
    }
    if (!isError(term.value)) return term.children;
    return term.children.filter(({ value }) => value !== falseValue);
  }

  private ofTuples(
    term: Extract<Term, { kind: 'direct' | 'from' }>,
    question: { object: ObjectRef; relation: string },
    depth: number,
  ): ExplainNode {
    const { named, arrows } = this.evidenceOf(term);
    const tuples = named.map((found) => this.used(found));
    const children: ExplainNode[] = [];
    for (const arrow of arrows) {
      if (!this.take(depth)) break;
      children.push(this.ofArrow(arrow, question, depth));
    }
    const whole = term.whole && children.length === arrows.length;
    if (!whole) this.truncated = true;
    return nodeOf(question, term.kind, term.value, {
      tuples,
      children,
      end: whole ? undefined : 'truncated',
      tupleset: term.kind === 'from' ? term.relation.name : undefined,
    });
  }

  /** Of a true term the one tuple that proves it soonest; of an unknown one what it hangs on. */
  private evidenceOf(term: Extract<Term, { kind: 'direct' | 'from' }>) {
    const { named, arrows, value } = term;
    if (value === trueValue) {
      const tuple = named.find(({ weight }) => weight === trueValue);
      if (tuple !== undefined) return { named: [tuple], arrows: [] };
      return { named: [], arrows: [least(arrows, (arrow) => this.proofs.costOfArrow(arrow))] };
    }
    if (!isError(value)) return { named, arrows };
    return {
      named: named.filter(({ weight }) => weight !== falseValue),
      arrows: arrows.filter((arrow) => arrow.value !== falseValue),
    };
  }

  private ofArrow(
    arrow: Arrow,
    question: { object: ObjectRef; relation: string },
    depth: number,
  ): ExplainNode {
    const tuples = [this.used(arrow)];
    const below = arrow.question === undefined ? {} : this.below(arrow.question, depth + 1);
    return nodeOf(question, 'userset', arrow.value, { tuples, ...below });
  }

  /** The one question that a node leads to, where there is room for it. */
  private below(question: Question, depth: number): Pick<ExplainNode, 'children' | 'end'> {
    return this.take(depth)
      ? { children: [this.ofQuestion(question, depth)], end: undefined }
      : { children: [], end: 'truncated' };
  }

  /** Whether there is room for one more node; else the tree is cut. */
  private take(depth: number): boolean {
    if (this.room > 0 && depth < limits.explainNestingMax) {
      this.room--;
      return true;
    }
    this.truncated = true;
    return false;
  }

  private used({ edge, guard, object, relation, subject, weight }: Found): UsedTuple {
    const { facts } = this.reasons;
    const subjectRelation = facts.model.relations[edge.target]?.name ?? '';
    const key = {
      object,
      relation: relation.name,
      subject: { ...facts.reader.entityRef(subject), relation: subjectRelation },
    };
    if (guard === noGuard) {
      const tuple = { ...key, condition: undefined };
      const contextual = this.contextual.has(textOf(tuple));
      const value = truthOf(weight);
      return { tuple, value, contextual, parameters: {}, missing: [], error: undefined };
    }
    const { condition, context, expiresAt } = facts.reader.guard(guard);
    const definition = facts.model.conditions.get(condition)?.definition;
    const tuple = {
      ...key,
      condition: condition === noCondition ? undefined : { name: definition?.name ?? '', context },
      ...(expiresAt === undefined ? {} : { expiresAt }),
    };
    const names = [...(definition?.parameters.keys() ?? [])];
    return {
      tuple,
      value: truthOf(weight),
      contextual: this.contextual.has(textOf(tuple)),
      parameters: valuesOf(names, context, facts.context),
      ...this.troubleOf(weight),
    };
  }

  private troubleOf(weight: Value): Pick<UsedTuple, 'missing' | 'error'> {
    if (!isError(weight)) return { missing: [], error: undefined };
    const trouble = this.reasons.facts.unanswered(causeOf(weight));
    if (trouble.kind === 'failed') return { missing: [], error: trouble.refusal.message };
    for (const name of trouble.parameters) this.missing.add(name);
    return { missing: trouble.parameters, error: undefined };
  }
}

/** A base that decides alone leaves nothing to subtract from. */
function partsOf(term: Extract<Term, { kind: 'union' | 'intersection' | 'exclusion' }>) {
  if (term.kind !== 'exclusion') return term.children;
  return term.base.value === falseValue ? [term.base] : [term.base, term.subtract];
}

function least<Item>(items: readonly Item[], costOf: (item: Item) => number): Item {
  return items.reduce((best, item) => (costOf(item) < costOf(best) ? item : best));
}

function nodeOf(
  question: { object: ObjectRef; relation: string },
  operator: Operator,
  value: Value,
  more: Partial<ExplainNode>,
): ExplainNode {
  return {
    ...question,
    operator,
    value: truthOf(value),
    tuples: [],
    children: [],
    end: undefined,
    tupleset: undefined,
    ...more,
  };
}

function truthOf(value: Value): Truth {
  if (value === trueValue) return 'true';
  if (value === falseValue) return 'false';
  return value === undefinedValue ? 'undefined' : 'unknown';
}

function textOf(tuple: Tuple): string {
  const { condition } = tuple;
  return condition === undefined
    ? formatTuple(tuple)
    : `${formatTuple(tuple)} ${canonicalJson(condition.context)}`;
}

/** The tuple's own values win over the request's. */
function valuesOf(names: readonly string[], own: JsonObject, given: JsonObject): JsonObject {
  const values: [string, JsonValue][] = [];
  for (const name of names) {
    const from = [own, given].find((each) => Object.hasOwn(each, name));
    const value = from?.[name];
    if (value !== undefined) values.push([name, value]);
  }
  return Object.fromEntries(values);
}
