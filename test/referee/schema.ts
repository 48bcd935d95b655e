/**
 * Our models and tuples in SpiceDB's words. A relation that is only assigned is a `relation` there
 * too. One that is rewritten is a `permission`, with a `direct_…` relation beside it for what is
 * assigned; so is one with a wildcard that serves as a userset, which SpiceDB lets no relation be.
 */
import type { JsonObject } from '../../src/base/json.ts';
import {
  type PlainCondition,
  type PlainModel,
  type PlainRestriction,
  type PlainRewrite,
  type PlainTuple,
  relationsOf,
  typeOf,
} from '../oracle/facts.ts';

/** A stored tuple, as SpiceDB has it. */
export interface Relationship {
  readonly object: string;
  readonly relation: string;
  readonly subject: string;
  readonly caveat: { readonly name: string; readonly context: JsonObject } | undefined;
}

/** SpiceDB's grammar has no caveat without parameters. */
export function isExpressible({ conditions = {} }: PlainModel): boolean {
  return Object.values(conditions).every(({ parameters }) => Object.keys(parameters).length > 0);
}

/** SpiceDB takes a caveat only from the very restriction that the subject fits. */
export function isWritable(model: PlainModel, tuple: PlainTuple): boolean {
  const [subject, relation] = tuple.subject.split('#') as [string, string | undefined];
  return restrictionsOf(model, typeOf(tuple.object), tuple.relation).some(
    (restriction) =>
      restriction.type === typeOf(subject) &&
      restriction.relation === relation &&
      (restriction.wildcard !== undefined) === subject.endsWith(':*') &&
      restriction.condition === tuple.condition?.name,
  );
}

export function schemaOf(model: PlainModel): string {
  const caveats = Object.values(model.conditions ?? {}).map(caveatText);
  const definitions = model.type_definitions.map(({ type, relations = {} }) => {
    const lines = Object.entries(relations).flatMap(([relation, rewrite]) =>
      relationLines(model, type, relation, rewrite),
    );
    return `definition ${type} {\n${lines.map((line) => `  ${line}\n`).join('')}}\n`;
  });
  return [...caveats, ...definitions].join('\n');
}

export function relationshipOf(model: PlainModel, tuple: PlainTuple): Relationship {
  const { object, relation, subject, condition } = tuple;
  return {
    object,
    relation: isPlain(model, typeOf(object), relation) ? relation : directName(relation),
    subject,
    caveat: condition && { name: caveatName(condition.name), context: condition.context },
  };
}

function relationLines(
  model: PlainModel,
  type: string,
  relation: string,
  rewrite: PlainRewrite,
): string[] {
  const subjects = restrictionsOf(model, type, relation).map(restrictionText).join(' | ');
  if (isPlain(model, type, relation)) return [`relation ${relation}: ${subjects}`];
  const permission = `permission ${relation} = ${expressionText(rewrite, relation)}`;
  return subjects === ''
    ? [permission]
    : [`relation ${directName(relation)}: ${subjects}`, permission];
}

function isPlain(model: PlainModel, type: string, relation: string): boolean {
  const rewrite = relationsOf(model, type)[relation];
  if (rewrite === undefined || !('this' in rewrite)) return false;
  const isPublic = restrictionsOf(model, type, relation).some(({ wildcard }) => wildcard);
  return !isPublic || !isUserset(model, type, relation);
}

function isUserset(model: PlainModel, type: string, relation: string): boolean {
  return model.type_definitions
    .flatMap(({ metadata }) => Object.values(metadata?.relations ?? {}))
    .flatMap(({ directly_related_user_types }) => directly_related_user_types ?? [])
    .some((restriction) => restriction.type === type && restriction.relation === relation);
}

/** Everything in brackets: SpiceDB's union binds tighter than its other operators. */
function expressionText(rewrite: PlainRewrite, relation: string): string {
  const all = (rewrites: readonly PlainRewrite[], operator: string) =>
    `(${rewrites.map((each) => expressionText(each, relation)).join(` ${operator} `)})`;
  if ('this' in rewrite) return directName(relation);
  if ('union' in rewrite) return all(rewrite.union.child, '+');
  if ('intersection' in rewrite) return all(rewrite.intersection.child, '&');
  if ('difference' in rewrite) {
    return all([rewrite.difference.base, rewrite.difference.subtract], '-');
  }
  if ('computedUserset' in rewrite) return rewrite.computedUserset.relation;
  const { tupleset, computedUserset } = rewrite.tupleToUserset;
  return `${tupleset.relation}->${computedUserset.relation}`;
}

function restrictionText({ type, relation, wildcard, condition }: PlainRestriction): string {
  const subject = wildcard ? `${type}:*` : relation ? `${type}#${relation}` : type;
  return condition === undefined ? subject : `${subject} with ${caveatName(condition)}`;
}

function caveatText({ name, parameters, expression }: PlainCondition): string {
  const declared = Object.entries(parameters).map(
    ([parameter, { type_name }]) => `${parameter} ${parameterTypes[type_name]}`,
  );
  return `caveat ${caveatName(name)}(${declared.join(', ')}) {\n  ${expression}\n}\n`;
}

/** Of the lists there are only those of texts. */
const parameterTypes: Readonly<Record<string, string>> = {
  TYPE_NAME_INT: 'int',
  TYPE_NAME_BOOL: 'bool',
  TYPE_NAME_STRING: 'string',
  TYPE_NAME_LIST: 'list<string>',
};

/** A name has three letters at least in SpiceDB. */
function caveatName(condition: string): string {
  return `caveat_${condition}`;
}

function directName(relation: string): string {
  return `direct_${relation}`;
}

export function restrictionsOf(
  model: PlainModel,
  type: string,
  relation: string,
): readonly PlainRestriction[] {
  const definition = model.type_definitions.find((each) => each.type === type);
  return definition?.metadata?.relations[relation]?.directly_related_user_types ?? [];
}
