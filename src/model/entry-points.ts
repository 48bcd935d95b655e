/**
 * Two questions about a model's relations: can anything ever be in it (an entry point), and is it
 * defined by way of itself, on the same object (a loop of computed relations).
 */
import type { Model, RelationDefinition, Rewrite, TypeDefinition } from './model.ts';
import { partsOf } from './rewrite.ts';

/** Relations of a model, by their type and name. */
export interface RelationSet {
  has(type: string, relation: string): boolean;
}

interface Node {
  readonly type: TypeDefinition;
  readonly relation: RelationDefinition;
  /** The relations whose entry points can depend on this one's. */
  readonly dependents: Set<Node>;
  entered: boolean;
}

/**
 * The relations with an entry point, as a least fixpoint: a direct relation has one by an object or
 * wildcard, or by a userset that has one; a union by any child; an intersection or exclusion only
 * if all its parts have one.
 */
export function entryPoints(model: Model): RelationSet {
  const nodes = new Map<string, Map<string, Node>>();
  for (const type of model.types.values()) {
    const ofType = new Map<string, Node>();
    for (const relation of type.relations.values()) {
      ofType.set(relation.name, { type, relation, dependents: new Set(), entered: false });
    }
    nodes.set(type.name, ofType);
  }
  const find = (type: string, relation: string) => nodes.get(type)?.get(relation);
  const queue = [...nodes.values()].flatMap((ofType) => [...ofType.values()]);
  for (const node of queue) {
    for (const part of partsOf(node.relation.rewrite)) {
      for (const target of targetsOf(part, node, find)) target.dependents.add(node);
    }
  }
  for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
    if (node.entered || !isEntered(node.relation.rewrite, node, find)) continue;
    node.entered = true;
    queue.push(...node.dependents);
  }
  return { has: (type, relation) => find(type, relation)?.entered === true };
}

type Find = (type: string, relation: string) => Node | undefined;

function isEntered(rewrite: Rewrite, node: Node, find: Find): boolean {
  switch (rewrite.kind) {
    case 'this':
      return (
        node.relation.restrictions.some((restriction) => restriction.relation === '') ||
        targetsOf(rewrite, node, find).some((target) => target.entered)
      );
    case 'computed':
    case 'from':
      return targetsOf(rewrite, node, find).some((target) => target.entered);
    case 'union':
      return rewrite.children.some((child) => isEntered(child, node, find));
    case 'intersection':
      return rewrite.children.every((child) => isEntered(child, node, find));
    case 'exclusion':
      return isEntered(rewrite.base, node, find) && isEntered(rewrite.subtract, node, find);
  }
}

/** The relations that a part of a rewrite names, on its own type or on those it leads to. */
function targetsOf(part: Rewrite, node: Node, find: Find): Node[] {
  const { type, relation } = node;
  switch (part.kind) {
    case 'this':
      return present(relation.restrictions.map((r) => find(r.type, r.relation)));
    case 'computed':
      return present([find(type.name, part.relation)]);
    case 'from': {
      const restrictions = type.relations.get(part.tupleset)?.restrictions ?? [];
      return present(restrictions.map((restriction) => find(restriction.type, part.relation)));
    }
    default:
      return [];
  }
}

function present(nodes: readonly (Node | undefined)[]): Node[] {
  return nodes.filter((node) => node !== undefined);
}

/** The relations from which computed relations lead round in a circle. */
export function computedLoops(model: Model): RelationSet {
  const looping = new Map<string, Set<string>>();
  for (const type of model.types.values()) looping.set(type.name, loopsOf(type));
  return { has: (type, relation) => looping.get(type)?.has(relation) === true };
}

/** Whatever is left once every relation that only leads to settled ones has been settled. */
function loopsOf(type: TypeDefinition): Set<string> {
  const open = new Map<string, Set<string>>();
  const dependents = new Map([...type.relations.keys()].map((name) => [name, [] as string[]]));
  for (const relation of type.relations.values()) {
    const targets = new Set<string>();
    for (const part of partsOf(relation.rewrite)) {
      if (part.kind === 'computed' && type.relations.has(part.relation)) targets.add(part.relation);
    }
    open.set(relation.name, targets);
    for (const target of targets) dependents.get(target)?.push(relation.name);
  }
  const settled = [...open].filter(([, targets]) => targets.size === 0).map(([name]) => name);
  for (let name = settled.pop(); name !== undefined; name = settled.pop()) {
    open.delete(name);
    for (const dependent of dependents.get(name) ?? []) {
      const targets = open.get(dependent);
      targets?.delete(name);
      if (targets?.size === 0) settled.push(dependent);
    }
  }
  return new Set(open.keys());
}
