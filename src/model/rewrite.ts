/** What can be asked of a rewrite without any tuple: its parts, and the relations it names. */
import type { Rewrite, TypeDefinition } from './model.ts';

/** The rewrite itself and all that is nested in it. */
export function* partsOf(rewrite: Rewrite): Generator<Rewrite> {
  yield rewrite;
  switch (rewrite.kind) {
    case 'union':
    case 'intersection':
      for (const child of rewrite.children) yield* partsOf(child);
      break;
    case 'exclusion':
      yield* partsOf(rewrite.base);
      yield* partsOf(rewrite.subtract);
      break;
  }
}

/** Whether tuples of the relation itself count: it is assignable. */
export function containsThis(rewrite: Rewrite): boolean {
  return partsOf(rewrite).some((part) => part.kind === 'this');
}

/** The relations of the type that stand on the right of a `from`. */
export function tuplesetsOf(type: TypeDefinition): Set<string> {
  const tuplesets = new Set<string>();
  for (const relation of type.relations.values()) {
    for (const part of partsOf(relation.rewrite)) {
      if (part.kind === 'from') tuplesets.add(part.tupleset);
    }
  }
  return tuplesets;
}
