/** Which relations a plan asks for: the edges of the graph that a model's relations make. */
import type { Plan } from './compiled.ts';

/** Relation indexes, on either side of a subtraction; one may come more than once. */
export function* targetsOf(plan: Plan): Generator<number> {
  switch (plan.kind) {
    case 'direct':
      for (const edge of plan.edges) if (edge.target !== -1) yield edge.target;
      break;
    case 'computed':
      yield plan.relation;
      break;
    case 'from':
      for (const arrow of plan.arrows) yield arrow.target;
      break;
    case 'union':
    case 'intersection':
      for (const child of plan.children) yield* targetsOf(child);
      break;
    case 'exclusion':
      yield* targetsOf(plan.base);
      yield* targetsOf(plan.subtract);
      break;
  }
}
