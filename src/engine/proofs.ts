/**
 * How long the shortest proof of each true question is, counted in tuples and questions. A proof
 * leans on smaller proofs alone, so following the smallest part never runs in a circle.
 */
import type { Arrow, Question, Reasons, Term } from './reasons.ts';
import { trueValue } from './value.ts';

/** For a question that there was no room to look into: any proof that is known is shorter. */
const unread = 1e9;

export class Proofs {
  private readonly reasons: Reasons;
  /** By key of the question. */
  private readonly costs = new Map<number, number>();
  /** Questions whose proofs are measured, each after the one that led to it. */
  private readonly measured = new Set<number>();

  constructor(reasons: Reasons) {
    this.reasons = reasons;
  }

  /** ENSURES: the shortest proof of the question, and of all that it rests on, is known. */
  measure(root: Question): void {
    if (this.measured.has(root.key)) return;
    const pending = [root];
    const read: { readonly question: Question; readonly term: Term }[] = [];
    for (const question of pending) {
      if (this.measured.has(question.key)) continue;
      this.measured.add(question.key);
      const own = this.reasons.facts.isSubject(question.entity, question.relation.index);
      if (own || (this.reasons.full && question !== root)) {
        this.costs.set(question.key, own ? 1 : unread);
        continue;
      }
      const term = this.reasons.term(question);
      read.push({ question, term });
      for (const next of holdingIn(term)) pending.push(next);
    }
    // Backwards, since most proofs rest on questions that were met after them.
    read.reverse();
    for (let shorter = true; shorter; ) {
      shorter = false;
      for (const { question, term } of read) {
        const cost = 1 + this.costOf(term);
        if (cost >= this.costOfQuestion(question)) continue;
        this.costs.set(question.key, cost);
        shorter = true;
      }
    }
  }

  /** Whether it is left as it is for want of room. */
  isUnread(question: Question): boolean {
    return this.costs.get(question.key) === unread;
  }

  costOf(term: Term): number {
    if (term.value !== trueValue) return Number.POSITIVE_INFINITY;
    switch (term.kind) {
      case 'direct':
      case 'from':
        return term.named.some(({ weight }) => weight === trueValue)
          ? 1
          : Math.min(...term.arrows.map((arrow) => this.costOfArrow(arrow)));
      case 'computed':
        return this.costOfQuestion(term.question);
      case 'union':
        return Math.min(...term.children.map((child) => this.costOf(child)));
      case 'intersection':
        return term.children.reduce((sum, child) => sum + this.costOf(child), 0);
      case 'exclusion':
        return 1 + this.costOf(term.base);
    }
  }

  costOfArrow({ value, question }: Arrow): number {
    return value !== trueValue || question === undefined
      ? Number.POSITIVE_INFINITY
      : 1 + this.costOfQuestion(question);
  }

  private costOfQuestion({ key }: Question): number {
    return this.costs.get(key) ?? Number.POSITIVE_INFINITY;
  }
}

/** The true questions that a true term may rest on. */
function* holdingIn(term: Term): Generator<Question> {
  if (term.value !== trueValue) return;
  switch (term.kind) {
    case 'direct':
    case 'from':
      for (const { value, question } of term.arrows) {
        if (value === trueValue && question !== undefined) yield question;
      }
      break;
    case 'computed':
      yield term.question;
      break;
    case 'union':
    case 'intersection':
      for (const child of term.children) yield* holdingIn(child);
      break;
    case 'exclusion':
      yield* holdingIn(term.base);
      break;
  }
}
