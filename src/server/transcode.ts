/**
 * REST to messages and back: path, query and body into a request, a response into JSON. It follows
 * what the wire's clients know from grpc-gateway: both spellings of a field are read, unknown
 * fields are ignored, and everything that a message could hold is written, empty or not.
 */
import {
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Message,
  ScalarType,
  toJson,
} from '@bufbuild/protobuf';
import { decodePlainJson } from '../service/plain-checks.ts';
import { malformed } from './body.ts';
import type { Route } from './routes.ts';

/** REQUIRES: `values` are the path's, in the order of the route's path fields. */
export function decodeRequest(
  route: Route,
  values: readonly string[],
  source: { readonly body: JsonValue } | { readonly query: string },
): Message {
  const schema = route.method.descriptor.input;
  const json = 'body' in source ? source.body : jsonOfQuery(schema, source.query);
  const message = decodeJson(schema, json);
  // The path has the last word over what the body says.
  const fields = message as unknown as Record<string, unknown>;
  route.pathFields.forEach((field, i) => {
    fields[field.localName] = values[i];
  });
  return message;
}

export function decodeJson(schema: DescMessage, json: JsonValue): Message {
  try {
    return decodePlainJson(schema, json) ?? fromJson(schema, json, { ignoreUnknownFields: true });
  } catch (cause) {
    throw malformed((cause as Error).message, cause);
  }
}

/** Names of fields, in either spelling, with dots between levels: `tuple_key.user=user:anne`. */
function jsonOfQuery(schema: DescMessage, query: string): JsonValue {
  const root: JsonObject = {};
  if (query === '') return root;
  for (const [name, text] of new URLSearchParams(query)) place(root, schema, name, text);
  return root;
}

function place(root: JsonObject, schema: DescMessage, name: string, text: string): void {
  let object = root;
  let message = schema;
  const parts = name.split('.');
  for (const [i, part] of parts.entries()) {
    const field = message.fields.find((each) => each.name === part || each.jsonName === part);
    if (field === undefined) return;
    if (i === parts.length - 1) {
      put(object, field, name, text);
      return;
    }
    if (field.fieldKind !== 'message') throw malformed(`\`${part}\` of \`${name}\` has no fields`);
    object[field.jsonName] ??= {};
    object = object[field.jsonName] as JsonObject;
    message = field.message;
  }
}

function put(object: JsonObject, field: DescField, name: string, text: string): void {
  if (field.fieldKind === 'map') throw malformed(`\`${name}\` cannot be given in the query`);
  const value = jsonOf(field, text);
  const before = object[field.jsonName];
  if (field.fieldKind === 'list') {
    object[field.jsonName] = [...((before as JsonValue[] | undefined) ?? []), value];
  } else if (before === undefined) {
    object[field.jsonName] = value;
  } else {
    throw malformed(`the query gives \`${name}\` more than once`);
  }
}

/** ProtoJSON reads numbers and times from strings, but neither flags nor numbers of enums. */
function jsonOf(field: DescField, text: string): JsonValue {
  if (field.scalar === ScalarType.BOOL && (text === 'true' || text === 'false')) {
    return text === 'true';
  }
  return field.enum !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : text;
}

/** A message that is not set is written as null, unless it is one of several choices. */
export function encodeJson(schema: DescMessage, message: Message): JsonValue {
  const json = toJson(schema, message, { alwaysEmitImplicit: true });
  fillNulls(schema, json as JsonObject);
  return json;
}

function fillNulls(schema: DescMessage, object: JsonObject): void {
  for (const { name, kind, message, optional } of messageFieldsOf(schema)) {
    const value = object[name];
    if (value === undefined) {
      if (!optional) object[name] = null;
    } else if (message !== undefined) {
      if (kind === 'message') fillNulls(message, value as JsonObject);
      else for (const each of Object.values(value as object)) fillNulls(message, each);
    }
  }
}

interface MessageField {
  readonly name: string;
  readonly kind: 'message' | 'list' | 'map';
  /** Undefined for google.protobuf's own, which have JSON forms of their own. */
  readonly message: DescMessage | undefined;
  /** True where absence says nothing: a choice that was not taken. */
  readonly optional: boolean;
}

const messageFields = new WeakMap<DescMessage, readonly MessageField[]>();

/** The fields that hold messages: most messages on the hot path have none. */
function messageFieldsOf(schema: DescMessage): readonly MessageField[] {
  let fields = messageFields.get(schema);
  if (fields === undefined) {
    fields = schema.fields.flatMap((field): MessageField[] => {
      const { fieldKind: kind, message, jsonName: name } = field;
      if (message === undefined) return [];
      const own = message.typeName.startsWith('google.protobuf.') ? undefined : message;
      return [{ name, kind, message: own, optional: field.oneof !== undefined }];
    });
    messageFields.set(schema, fields);
  }
  return fields;
}
