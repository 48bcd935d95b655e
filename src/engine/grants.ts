/**
 * What would allow a check that is denied: small sets of direct tuples of the subject, on the
 * object of the question or on those that its tuples already lead to. Nothing is taken on trust:
 * every set is asked as contextual tuples before it is suggested.
 */
import { limits } from '../base/limits.ts';
import type { CompiledModel, Edge } from '../model/compiled.ts';
import { formatTuple, isWildcard, type Tuple } from '../model/tuple.ts';
import { faultOfTuple } from '../model/validate-tuple.ts';
import type { TupleReader } from '../storage/tuple-reader.ts';
import { type CheckRequest, createWalk } from './check.ts';
import type { ExplainRequest } from './explanation.ts';
import type { Question, Reasons, Term } from './reasons.ts';
import { falseValue, trueValue } from './value.ts';

/** By the text of each tuple, so that the same tuple twice is one. */
type Grant = ReadonlyMap<string, Tuple>;

/** Sets that are kept of one question, and tuples of one set: more would not be "smallest". */
const setsKept = 8;
const tuplesKept = 4;
/** Questions to look into. */
const questionsMax = 200;

/** REQUIRES: the question is denied. ENSURES: each set allows it, and none holds another one. */
export function smallestGrants(
  reasons: Reasons,
  root: Question,
  from: {
    readonly reader: TupleReader;
    readonly model: CompiledModel;
    readonly request: ExplainRequest;
  },
): readonly (readonly Tuple[])[] {
  const { reader, model, request } = from;
  const found: Grant[] = [];
  for (const grant of new Grants(reasons).ofQuestion(root)) {
    if (found.length === limits.explainSetsMax) break;
    if (found.some((smaller) => holds(grant, smaller))) continue;
    const tuples = [...grant.values()];
    const contextualTuples = [...request.contextualTuples, ...tuples];
    const check: CheckRequest = { ...request, contextualTuples };
    const verdict = createWalk(reader, model, check).check(request.object, request.relation);
    if (verdict.kind === 'allowed') found.push(grant);
  }
  return found.map((grant) => [...grant.values()]);
}

class Grants {
  private readonly reasons: Reasons;
  private readonly known = new Map<number, readonly Grant[]>();

  constructor(reasons: Reasons) {
    this.reasons = reasons;
  }

  /** Smallest first. A question that is asked below itself can give nothing new. */
  ofQuestion(question: Question): readonly Grant[] {
    if (question.value === trueValue) return [new Map()];
    if (!this.reasons.facts.canReach(question.relation.index)) return [];
    let grants = this.known.get(question.key);
    if (grants === undefined) {
      if (this.known.size >= questionsMax) return [];
      this.known.set(question.key, []);
      grants = this.ofTerm(this.reasons.term(question), question);
      this.known.set(question.key, grants);
    }
    return grants;
  }

  private ofTerm(term: Term, at: Question): readonly Grant[] {
    if (term.value === trueValue) return [new Map()];
    switch (term.kind) {
      case 'direct':
      case 'from': {
        const own = term.edges.flatMap((edge) => this.ownTuple(edge, at));
        const led = term.arrows.flatMap(({ weight, question }) =>
          weight !== trueValue || question === undefined ? [] : this.ofQuestion(question),
        );
        return smallest([...own, ...led]);
      }
      case 'computed':
        return this.ofQuestion(term.question);
      case 'union':
        return smallest(term.children.flatMap((child) => this.ofTerm(child, at)));
      case 'intersection':
        return term.children.reduce<readonly Grant[]>(
          (all, child) => {
            const more = this.ofTerm(child, at);
            return smallest(all.flatMap((one) => more.map((other) => join(one, other))));
          },
          [new Map()],
        );
      case 'exclusion':
        return term.subtract.value === falseValue ? this.ofTerm(term.base, at) : [];
    }
  }

  /** The tuple of this edge that names the subject, where the model would let somebody write it. */
  private ownTuple(edge: Edge, { object, relation }: Question): Grant[] {
    const { facts } = this.reasons;
    const { model, subject } = facts;
    if (!facts.isOfKind(edge) || edge.wildcard !== isWildcard(subject)) return [];
    const [condition] = edge.unguarded ? [] : edge.conditions;
    const name = condition === undefined ? '' : model.conditions.get(condition)?.definition.name;
    const tuple: Tuple = {
      object,
      relation: relation.name,
      subject,
      condition: name === '' || name === undefined ? undefined : { name, context: {} },
    };
    if (faultOfTuple(model, tuple, 'write') !== undefined) return [];
    return [new Map([[formatTuple(tuple), tuple]])];
  }
}

function join(one: Grant, other: Grant): Grant {
  return new Map([...one, ...other]);
}

function holds(grant: Grant, smaller: Grant): boolean {
  return [...smaller.keys()].every((text) => grant.has(text));
}

function smallest(grants: readonly Grant[]): readonly Grant[] {
  const each = new Map(grants.map((grant) => [[...grant.keys()].sort().join('\n'), grant]));
  return [...each.values()]
    .filter(({ size }) => size <= tuplesKept)
    .sort((a, b) => a.size - b.size)
    .slice(0, setsKept);
}
