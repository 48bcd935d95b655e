/** The objects under a parent: those that tuples of one relation lead to, level by level. */
import type { CompiledModel, CompiledRelation, Edge } from '../model/compiled.ts';
import type { ObjectRef } from '../model/tuple.ts';
import { noGuard } from '../storage/tuple-reader.ts';
import type { Facts } from './facts.ts';
import type { Steps } from './steps.ts';
import { falseValue, trueValue, type Value } from './value.ts';

export interface Scope {
  readonly object: ObjectRef;
  readonly relation: string;
  /** Only those that a tuple of the object itself names: not what lies under them in turn. */
  readonly direct: boolean;
}

/** An object, and the relation of it whose tuple leads to it. */
interface Place {
  readonly object: number;
  readonly relation: CompiledRelation;
  readonly value: Value;
}

interface Way {
  readonly relation: CompiledRelation;
  readonly edge: Edge;
}

/** Whether the model lets any object be under this one. */
export function canHold(model: CompiledModel, { object, relation }: Scope): boolean {
  return waysBy(model, relation).has(model.typeSymbol(object.type));
}

/**
 * Yields each object under the parent once, with true, or with the error that leaves it open: then
 * no way to it is certain. The parent is under itself only where tuples lead back to it.
 */
export function* objectsUnder(
  facts: Facts,
  scope: Scope,
  steps: Steps,
): Generator<Place | undefined, void, void> {
  const ways = waysBy(facts.model, scope.relation);
  const found = new Set<number>();
  const open: Place[] = [];
  const root = { type: facts.model.typeSymbol(scope.object.type), value: trueValue };
  const queue = [{ ...root, object: facts.reader.entity(root.type, scope.object.id) }];
  // Both grow while they are read: what is certain is found before what is open is looked at.
  for (let next = 0, opened = 0; ; ) {
    const place = queue[next];
    if (place === undefined) {
      const doubt = open[opened++];
      if (doubt === undefined) return;
      if (found.has(doubt.object)) continue;
      found.add(doubt.object);
      yield doubt;
      if (!scope.direct) queue.push({ ...doubt, type: doubt.relation.type });
      continue;
    }
    next++;
    for (const way of ways.get(place.type) ?? []) {
      for (const child of childrenOf(facts, place.object, way)) {
        if (steps.take()) yield undefined;
        if (child.value === falseValue || found.has(child.object)) continue;
        const value = place.value === trueValue ? child.value : place.value;
        if (value !== trueValue) {
          open.push({ ...child, value });
          continue;
        }
        found.add(child.object);
        yield child;
        if (!scope.direct) queue.push({ ...child, type: child.relation.type });
      }
    }
  }
}

function* childrenOf(facts: Facts, parent: number, { relation, edge }: Way): Generator<Place> {
  if (parent === 0) return;
  let after = 0;
  do {
    const run = facts.reader.objects(parent, 0, relation.symbol, relation.type, after);
    after = run.next;
    for (let i = run.start; i < run.end; i++) {
      const object = run.entities[i] as number;
      const value = facts.weigh(edge, run.guards?.[i] ?? noGuard, object, relation, parent);
      yield { object, relation, value };
    }
  } while (after !== 0);
}

/** The relations of this name, by the symbols of the types whose objects their tuples may name. */
function waysBy(model: CompiledModel, name: string): ReadonlyMap<number, readonly Way[]> {
  const ways = new Map<number, Way[]>();
  for (const relation of model.relations) {
    if (relation.name !== name) continue;
    for (const edge of relation.edges) {
      if (edge.target !== -1 || edge.wildcard) continue;
      const known = ways.get(edge.subjectType);
      if (known === undefined) ways.set(edge.subjectType, [{ relation, edge }]);
      else known.push({ relation, edge });
    }
  }
  return ways;
}
