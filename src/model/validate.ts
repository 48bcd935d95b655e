/**
 * The rules that make a model mean something: names, rewrites, type restrictions, entry points,
 * cycles and conditions. The rules, their order and their wording are those of OpenFGA's server
 * (not of its editors, which refuse other things); but all faults are told, not the first alone.
 */
import { Refusal } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { compileCondition } from './compile-condition.ts';
import { computedLoops, entryPoints, type RelationSet } from './entry-points.ts';
import type {
  Model,
  RelationDefinition,
  Rewrite,
  TypeDefinition,
  TypeRestriction,
} from './model.ts';
import { containsThis, partsOf, tuplesetsOf } from './rewrite.ts';
import { isNameText } from './tuple.ts';

export interface ModelFault {
  readonly message: string;
  readonly type?: string;
  readonly relation?: string;
  readonly condition?: string;
}

/** Throws the refusal of a model that has a fault: the first one is told. */
export function requireValid(model: Model): void {
  const [fault] = validateModel(model);
  if (fault !== undefined) throw new Refusal('invalid_authorization_model', fault.message);
}

/** Empty if the model may be written. */
export function validateModel(model: Model): readonly ModelFault[] {
  const faults: ModelFault[] = [];
  if (model.types.size > limits.modelTypesMax) {
    faults.push({ message: `a model has at most ${limits.modelTypesMax} types` });
  }
  for (const type of model.types.values()) faults.push(...faultsOfNames(type));
  const parts = [...relationsInOrder(model)].map((place) => ({
    place,
    faults: [...faultsOfRewrite(place), ...faultsOfRestrictions(place)],
  }));
  // What entry points and loops mean is only clear where everything that is named exists.
  const sound = faults.length === 0 && parts.every((part) => part.faults.length === 0);
  const graph = sound ? { entries: entryPoints(model), loops: computedLoops(model) } : undefined;
  for (const part of parts) {
    faults.push(...part.faults);
    if (graph !== undefined) faults.push(...faultsOfGraph(part.place, graph));
  }
  faults.push(...faultsOfConditions(model));
  return faults;
}

/** A relation, and all that its rules may look at. */
interface Place {
  readonly model: Model;
  readonly type: TypeDefinition;
  readonly relation: RelationDefinition;
  readonly tupleset: boolean;
}

/** By name, so that the first fault is the one that OpenFGA's server would tell. */
function* relationsInOrder(model: Model): Generator<Place> {
  const byName = (a: { readonly name: string }, b: { readonly name: string }) =>
    a.name < b.name ? -1 : 1;
  for (const type of [...model.types.values()].sort(byName)) {
    const tuplesets = tuplesetsOf(type);
    for (const relation of [...type.relations.values()].sort(byName)) {
      yield { model, type, relation, tupleset: tuplesets.has(relation.name) };
    }
  }
}

const reserved: ReadonlySet<string> = new Set(['self', 'this']);

function faultsOfNames(type: TypeDefinition): ModelFault[] {
  const { name } = type;
  if (name === '') {
    return [{ message: 'the type name of a type definition cannot be an empty string' }];
  }
  const faults: ModelFault[] = [];
  if (reserved.has(name)) {
    const message = `the definition of type '${name}' is invalid: self and this are reserved keywords`;
    faults.push({ message, type: name });
  } else if (!isNameText(name)) {
    const message = `the definition of type '${name}' is invalid: a name has no ':', '#', '@' or white space`;
    faults.push({ message, type: name });
  }
  for (const relation of type.relations.keys()) {
    const place = { type: name, relation };
    if (relation === '') {
      const message = `type '${name}' defines a relation with an empty string for a name`;
      faults.push({ message, ...place });
    } else if (reserved.has(relation)) {
      const message = invalidRelation(name, relation, 'self and this are reserved keywords');
      faults.push({ message, ...place });
    } else if (!isNameText(relation)) {
      const message = invalidRelation(name, relation, "a name has no ':', '#', '@' or white space");
      faults.push({ message, ...place });
    }
  }
  return faults;
}

function invalidRelation(type: string, relation: string, cause: string): string {
  return `the definition of relation '${relation}' in object type '${type}' is invalid: ${cause}`;
}

function faultAt(place: Place, message: string): ModelFault {
  return { message, type: place.type.name, relation: place.relation.name };
}

function faultsOfRewrite(place: Place): ModelFault[] {
  return [...partsOf(place.relation.rewrite)].flatMap((part) => {
    const message = faultOfPart(place, part);
    return message === undefined ? [] : [faultAt(place, message)];
  });
}

function faultOfPart(place: Place, part: Rewrite): string | undefined {
  const { type, relation } = place;
  switch (part.kind) {
    case 'this':
    case 'exclusion':
      return undefined;
    case 'computed':
      if (part.relation === relation.name) {
        return invalidRelation(type.name, relation.name, 'invalid userset rewrite definition');
      }
      return type.relations.has(part.relation)
        ? undefined
        : `'${type.name}#${part.relation}' relation is undefined`;
    case 'from':
      return faultOfFrom(place, part.tupleset, part.relation);
    case 'union':
    case 'intersection':
      return part.children.length >= 2
        ? undefined
        : `invalid relation: '${type.name}#${relation.name}' as ${part.kind} has less than 2 children`;
  }
}

function faultOfFrom(place: Place, tupleset: string, wanted: string): string | undefined {
  const { model, type } = place;
  const source = type.relations.get(tupleset);
  if (source === undefined) return `'${type.name}#${tupleset}' relation is undefined`;
  if (source.rewrite.kind !== 'this') {
    return (
      `the '${type.name}#${tupleset}' relation is referenced in at least one tupleset ` +
      'and thus must be a direct relation'
    );
  }
  const types = source.restrictions.map((restriction) => restriction.type);
  if (types.some((name) => model.types.get(name)?.relations.has(wanted))) return undefined;
  return (
    `undefined relation: ${wanted} does not appear as a relation in any of the directly related ` +
    `user types [${source.restrictions.map(formatRestriction).join(' ')}]`
  );
}

function formatRestriction(restriction: TypeRestriction): string {
  if (restriction.wildcard) return `${restriction.type}:*`;
  return restriction.relation === ''
    ? restriction.type
    : `${restriction.type}#${restriction.relation}`;
}

function faultsOfRestrictions(place: Place): ModelFault[] {
  const { type, relation } = place;
  const assignable = containsThis(relation.rewrite);
  if (assignable && relation.restrictions.length === 0) {
    const message = `the assignable relation '${relation.name}' in object type '${type.name}' must contain at least one relation type`;
    return [faultAt(place, message)];
  }
  if (!assignable && relation.restrictions.length > 0) {
    const message = `the non-assignable relation '${relation.name}' in object type '${type.name}' should not contain a relation type`;
    return [faultAt(place, message)];
  }
  return relation.restrictions.flatMap((restriction) => {
    const message = faultOfRestriction(place, restriction);
    return message === undefined ? [] : [faultAt(place, message)];
  });
}

function faultOfRestriction(place: Place, restriction: TypeRestriction): string | undefined {
  const { model, type, relation, tupleset } = place;
  const related = model.types.get(restriction.type);
  const plain = restriction.relation === '' && !restriction.wildcard;
  const known = restriction.relation === '' || related?.relations.has(restriction.relation);
  if (related === undefined || !known || (tupleset && !plain)) {
    const shown = restriction.relation === '' ? restriction.type : formatRestriction(restriction);
    return `the relation type '${shown}' on '${relation.name}' in object type '${type.name}' is not valid`;
  }
  if (restriction.condition !== '' && !model.conditions.has(restriction.condition)) {
    return `condition ${restriction.condition} is undefined for relation ${relation.name}`;
  }
  return undefined;
}

interface Graph {
  readonly entries: RelationSet;
  readonly loops: RelationSet;
}

/** A relation that nothing can ever be in, or that is defined by itself. */
function faultsOfGraph(place: Place, graph: Graph): ModelFault[] {
  const { type, relation } = place;
  const loop = graph.loops.has(type.name, relation.name);
  if (!graph.entries.has(type.name, relation.name)) {
    const cause = loop ? 'potential loop' : 'no entrypoints defined';
    return [faultAt(place, invalidRelation(type.name, relation.name, cause))];
  }
  if (!loop) return [];
  const cause = 'an authorization model cannot contain a cycle';
  return [faultAt(place, invalidRelation(type.name, relation.name, cause))];
}

function faultsOfConditions(model: Model): ModelFault[] {
  const faults: ModelFault[] = [];
  for (const [key, definition] of model.conditions) {
    if (key !== definition.name) {
      const message = `condition key '${key}' does not match condition name '${definition.name}'`;
      faults.push({ message, condition: key });
      continue;
    }
    try {
      compileCondition(definition);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      faults.push({ message: error.message, condition: key });
    }
  }
  return faults;
}
