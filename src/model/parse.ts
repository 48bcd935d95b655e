/**
 * The wire's JSON form of an authorization model, read into a `Model`. Only the form is judged here;
 * whether the model makes sense is the business of `validate.ts`.
 */
import { Refusal } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type {
  ConditionDefinition,
  Model,
  ParameterType,
  ParameterTypeName,
  RelationDefinition,
  Rewrite,
  TypeDefinition,
  TypeRestriction,
} from './model.ts';

type Fields = Readonly<Record<string, unknown>>;

/** `TYPE_NAME_…` of the wire. The unspecified name is no type. */
const parameterTypeNames: ReadonlyMap<unknown, ParameterTypeName> = new Map(
  (
    [
      'any',
      'bool',
      'string',
      'int',
      'uint',
      'double',
      'duration',
      'timestamp',
      'map',
      'list',
      'ipaddress',
    ] as const
  ).map((name) => [`TYPE_NAME_${name.toUpperCase()}`, name]),
);

/**
 * Reads `{schema_version, type_definitions, conditions}`. Either spelling of a field will do
 * (`computedUserset`, `computed_userset`), null is as good as absent, unknown fields are passed over.
 *
 * ENSURES: throws nothing but a `Refusal` with code `invalid_authorization_model`.
 */
export function parseModel(definition: unknown): Model {
  const fields = objectOf(definition, 'the model');
  const types = new Map<string, TypeDefinition>();
  for (const entry of listOf(fields, 'type_definitions', 'the model')) {
    const type = parseType(entry);
    if (types.has(type.name)) {
      refuse(`an authorization model cannot contain duplicate types: \`${type.name}\``);
    }
    types.set(type.name, type);
  }
  const conditions = new Map<string, ConditionDefinition>();
  for (const [key, entry] of entriesOf(fields, 'conditions', 'the model')) {
    conditions.set(key, parseCondition(key, entry));
  }
  return { schemaVersion: parseSchemaVersion(fields), types, conditions };
}

function parseSchemaVersion(fields: Fields): Model['schemaVersion'] {
  const version = textOf(fields, 'schema_version', 'the model');
  if (version === '' || version === '1.1') return '1.1';
  if (version === '1.2') return '1.2';
  return refuse(`invalid schema version: \`${version}\` is not one of 1.1 and 1.2`);
}

function parseType(entry: unknown): TypeDefinition {
  const fields = objectOf(entry, 'a type definition');
  const name = textOf(fields, 'type', 'a type definition');
  const where = `type '${name}'`;
  const metadata = messageOf(fields, 'metadata', where);
  const details = new Map(
    metadata === undefined ? [] : entriesOf(metadata, 'relations', `metadata of ${where}`),
  );
  const relations = new Map<string, RelationDefinition>();
  for (const [relation, rewrite] of entriesOf(fields, 'relations', where)) {
    const place = `relation '${relation}' in object type '${name}'`;
    relations.set(relation, {
      name: relation,
      rewrite: parseRewrite(rewrite, place, 1),
      restrictions: parseRestrictions(details.get(relation), place),
    });
  }
  return { name, relations };
}

function parseRestrictions(details: unknown, place: string): TypeRestriction[] {
  if (details === undefined || details === null) return [];
  const fields = objectOf(details, `the metadata of ${place}`);
  return listOf(fields, 'directly_related_user_types', place).map((entry) => {
    const where = `a type restriction of ${place}`;
    const restriction = objectOf(entry, where);
    const relation = textOf(restriction, 'relation', where);
    const wildcard = messageOf(restriction, 'wildcard', where) !== undefined;
    if (wildcard && relation !== '') {
      refuse(`${where} names both a relation and a wildcard: give one of them`);
    }
    return {
      type: textOf(restriction, 'type', where),
      relation,
      wildcard,
      condition: textOf(restriction, 'condition', where),
    };
  });
}

function parseRewrite(value: unknown, place: string, depth: number): Rewrite {
  if (depth > limits.rewriteDepthMax) {
    return refuse(`the definition of ${place} nests more than ${limits.rewriteDepthMax} rewrites`);
  }
  const fields = objectOf(value, `the definition of ${place}`);
  const rewrites = rewriteForms.flatMap((form): Rewrite[] => {
    const body = messageOf(fields, form.field, place);
    return body === undefined ? [] : [form.parse(body, place, depth)];
  });
  const [rewrite, another] = rewrites;
  if (rewrite === undefined || another !== undefined) {
    return refuse(`the definition of ${place} is invalid: invalid userset rewrite definition`);
  }
  return rewrite;
}

interface RewriteForm {
  readonly field: string;
  parse(body: Fields, place: string, depth: number): Rewrite;
}

const rewriteForms: readonly RewriteForm[] = [
  { field: 'this', parse: () => ({ kind: 'this' }) },
  {
    field: 'computed_userset',
    parse: (body, place) => ({ kind: 'computed', relation: textOf(body, 'relation', place) }),
  },
  {
    field: 'tuple_to_userset',
    parse: (body, place) => ({
      kind: 'from',
      tupleset: textOf(messageOf(body, 'tupleset', place) ?? {}, 'relation', place),
      relation: textOf(messageOf(body, 'computed_userset', place) ?? {}, 'relation', place),
    }),
  },
  {
    field: 'union',
    parse: (body, place, depth) => ({ kind: 'union', children: children(body, place, depth) }),
  },
  {
    field: 'intersection',
    parse: (body, place, depth) => ({
      kind: 'intersection',
      children: children(body, place, depth),
    }),
  },
  {
    field: 'difference',
    parse: (body, place, depth) => ({
      kind: 'exclusion',
      base: parseRewrite(fieldOf(body, 'base') ?? {}, place, depth + 1),
      subtract: parseRewrite(fieldOf(body, 'subtract') ?? {}, place, depth + 1),
    }),
  },
];

function children(body: Fields, place: string, depth: number): Rewrite[] {
  return listOf(body, 'child', place).map((child) => parseRewrite(child, place, depth + 1));
}

function parseCondition(key: string, entry: unknown): ConditionDefinition {
  const where = `condition '${key}'`;
  const fields = objectOf(entry, where);
  const name = textOf(fields, 'name', where);
  const parameters = new Map<string, ParameterType>();
  for (const [parameter, type] of entriesOf(fields, 'parameters', where)) {
    const prefix =
      `failed to compile expression on condition '${name}' - ` +
      `failed to decode parameter type for parameter '${parameter}'`;
    parameters.set(parameter, parseParameterType(type, prefix, 1));
  }
  return { name, expression: textOf(fields, 'expression', where), parameters };
}

function parseParameterType(value: unknown, prefix: string, depth: number): ParameterType {
  if (depth > limits.contextDepthMax) {
    return refuse(`${prefix}: more than ${limits.contextDepthMax} nested lists and maps`);
  }
  const fields = objectOf(value, prefix);
  const wireName = textOf(fields, 'type_name', prefix) || 'TYPE_NAME_UNSPECIFIED';
  const name = parameterTypeNames.get(wireName);
  if (name === undefined) {
    return refuse(`${prefix}: unknown condition parameter type \`${wireName}\``);
  }
  const generics = listOf(fields, 'generic_types', prefix).map((generic) =>
    parseParameterType(generic, prefix, depth + 1),
  );
  const wanted = name === 'list' || name === 'map' ? 1 : 0;
  if (wanted === 1 && generics.length !== 1) {
    return refuse(
      `${prefix}: condition parameter type \`${wireName}\` requires 1 generic types; found ${generics.length}`,
    );
  }
  return { name, generics: wanted === 0 ? [] : generics };
}

/** The field under its wire name or its camel-case one. Own properties only. */
function fieldOf(fields: Fields, name: string): unknown {
  if (Object.hasOwn(fields, name)) return fields[name];
  const camel = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return Object.hasOwn(fields, camel) ? fields[camel] : undefined;
}

function textOf(fields: Fields, name: string, where: string): string {
  const value = fieldOf(fields, name) ?? '';
  if (typeof value === 'string') return value;
  return refuse(`field \`${name}\` of ${where} must be a string`);
}

function listOf(fields: Fields, name: string, where: string): readonly unknown[] {
  const value = fieldOf(fields, name) ?? [];
  if (Array.isArray(value)) return value;
  return refuse(`field \`${name}\` of ${where} must be a list`);
}

function messageOf(fields: Fields, name: string, where: string): Fields | undefined {
  const value = fieldOf(fields, name) ?? undefined;
  return value === undefined ? undefined : objectOf(value, `field \`${name}\` of ${where}`);
}

function entriesOf(fields: Fields, name: string, where: string): [string, unknown][] {
  return Object.entries(messageOf(fields, name, where) ?? {});
}

function objectOf(value: unknown, where: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  return refuse(`${where} must be an object`);
}

function refuse(message: string): never {
  throw new Refusal('invalid_authorization_model', message);
}
