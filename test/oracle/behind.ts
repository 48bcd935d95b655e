/** What stands behind a question in a world, whoever asks: its tuples, its cycles, its paths. */
import type { Circumstance } from './coverage.ts';
import { counts, guardOf, type Weighed } from './facts.ts';
import { childrenOf, type Oracle, type Rule } from './oracle.ts';

export class Behind {
  readonly oracle: Oracle;
  private readonly reached = new Map<number, readonly number[]>();
  /** Atoms that lean on themselves; undefined until it is asked for. */
  private cyclic: ReadonlySet<number> | undefined;

  constructor(oracle: Oracle) {
    this.oracle = oracle;
  }

  /** The tuples that the answer could hang on. */
  tuples(object: string, relation: string): Weighed[] {
    return this.rules(object, relation).flatMap(tuplesIn);
  }

  circumstances(object: string, relation: string): Circumstance[] {
    const tuples = this.tuples(object, relation);
    const guarded = tuples.filter(({ tuple }) => tuple.condition !== undefined);
    const present: [Circumstance, boolean][] = [
      ['stored tuples alone', tuples.length > 0 && tuples.every((each) => !each.contextual)],
      ['contextual tuples', tuples.some((each) => each.contextual)],
      ['a condition is met', guarded.some(({ guard }) => guard === true)],
      ['a condition is not met', guarded.some(({ guard }) => guard === false)],
      ['a condition lacks context', guarded.some(({ guard }) => guard === 'open')],
      ['a cycle', this.isCyclic(object, relation)],
    ];
    return present.filter(([, is]) => is).map(([circumstance]) => circumstance);
  }

  hasOpenGuards(object: string, relation: string): boolean {
    return this.tuples(object, relation).some(({ guard }) => guard === 'open');
  }

  /** Whether any tuple that counts has a guard that nobody can tell. */
  hasAnyOpenGuard(): boolean {
    const { model, stored, contextual, context } = this.oracle.facts;
    return [...contextual, ...stored].some(
      (tuple) => counts(model, tuple) && guardOf(model, tuple, context) === 'open',
    );
  }

  /** Whether anything behind the question leans on itself. */
  isCyclic(object: string, relation: string): boolean {
    const { rules } = this.oracle;
    this.cyclic ??= new Set(
      rules
        .keys()
        .filter((atom) =>
          childrenOf(rules[atom] as Rule).some((child) => this.reach(child).includes(atom)),
        ),
    );
    const { cyclic } = this;
    return this.reach(this.oracle.atomOf(object, relation)).some((atom) => cyclic.has(atom));
  }

  /** No path of usersets and parents from the question is longer than this. */
  pathAtMost(object: string, relation: string): number {
    return this.rules(object, relation).filter(leadsAlongTuples).length;
  }

  private rules(object: string, relation: string): Rule[] {
    const reached = this.reach(this.oracle.atomOf(object, relation));
    return reached.map((atom) => this.oracle.rules[atom] as Rule);
  }

  private reach(atom: number): readonly number[] {
    let reached = this.reached.get(atom);
    if (reached === undefined) {
      reached = [...this.oracle.reach(atom)];
      this.reached.set(atom, reached);
    }
    return reached;
  }
}

function tuplesIn(rule: Rule): readonly Weighed[] {
  if (rule.kind === 'any') return rule.tuples ?? [];
  return rule.kind === 'direct' ? rule.entries.flatMap(({ weighed }) => weighed ?? []) : [];
}

function leadsAlongTuples(rule: Rule): boolean {
  if (rule.kind === 'any') return rule.tuples !== undefined && rule.of.length > 0;
  return rule.kind === 'direct' && rule.entries.some(({ atom }) => atom !== -1);
}
