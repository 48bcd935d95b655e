/**
 * Which method answers which verb and path, read from the `google.api.http` options of the
 * descriptors when the server starts. Nothing else knows a path.
 */
import {
  type DescField,
  type DescMethod,
  getOption,
  hasOption,
  ScalarType,
} from '@bufbuild/protobuf';
import { assert } from '../base/assert.ts';
import { http } from '../gen/google/api/annotations_pb.ts';
import type { GuardedMethod } from '../service/access/guard.ts';
import { malformed } from './body.ts';

export interface Route {
  readonly method: GuardedMethod;
  /** Fully qualified, `openfga.v1.OpenFGAService/Check`. */
  readonly name: string;
  /** Fields that the path carries, in the path's order. */
  readonly pathFields: readonly DescField[];
  /** True where the body is the request message; else the query is. */
  readonly hasBody: boolean;
  /** The HTTP status of success. */
  readonly status: number;
}

export type Match =
  | { readonly route: Route; readonly values: readonly string[] }
  /** The path is known, with these verbs only. */
  | { readonly route: undefined; readonly verbs: readonly string[] };

/** One segment of a path after another. */
interface Node {
  readonly literals: Map<string, Node>;
  readonly routes: Map<string, Route>;
  parameter: Node | undefined;
}

/** The success statuses that are not 200, by method name; the options have no word for them. */
const successStatuses: { readonly [name: string]: number } = {
  CreateStore: 201,
  WriteAuthorizationModel: 201,
  DeleteStore: 204,
  WriteAssertions: 204,
};

/** A longer path is not kept in memory: none of ours is as long. */
const keptLengthMax = 256;

export class Routes {
  readonly #root: Node = newNode();
  /** What was asked for last: who checks asks for one path again and again. */
  #last: { verb: string; path: string; match: Match | undefined } | undefined;

  constructor(methods: readonly GuardedMethod[]) {
    for (const method of methods) {
      if (hasOption(method.descriptor, http)) this.#add(method);
    }
  }

  #add(method: GuardedMethod): void {
    const rule = getOption(method.descriptor, http);
    const { case: verb, value: path } = rule.pattern;
    assert(verb !== undefined && typeof path === 'string', `${method.descriptor.name}: no path`);
    // Only what our options use is understood; the rest must not be half understood.
    assert(rule.body === '*' || rule.body === '', `${path}: a body that is one field`);
    assert(rule.additionalBindings.length === 0, `${path}: additional bindings`);
    const pathFields: DescField[] = [];
    let node = this.#root;
    for (const segment of path.slice(1).split('/')) {
      const name = /^\{(.*)\}$/.exec(segment)?.[1];
      if (name === undefined) {
        node = childOf(node, segment);
      } else {
        pathFields.push(stringField(method.descriptor, name));
        node.parameter ??= newNode();
        node = node.parameter;
      }
    }
    const httpVerb = verb.toUpperCase();
    assert(!node.routes.has(httpVerb), `${httpVerb} ${path} is bound twice`);
    const status = successStatuses[method.descriptor.name] ?? 200;
    const { parent, name } = method.descriptor;
    node.routes.set(httpVerb, {
      method,
      name: `${parent.typeName}/${name}`,
      pathFields,
      hasBody: rule.body === '*',
      status,
    });
  }

  /** REQUIRES: a path without its query. Undefined for a path that no method has. */
  find(verb: string, path: string): Match | undefined {
    const last = this.#last;
    if (last !== undefined && last.path === path && last.verb === verb) return last.match;
    const match = this.#walk(verb, path);
    if (path.length <= keptLengthMax) this.#last = { verb, path, match };
    return match;
  }

  #walk(verb: string, path: string): Match | undefined {
    const values: string[] = [];
    let node = this.#root;
    for (let end = 0; end < path.length; ) {
      const start = end + 1;
      end = path.indexOf('/', start);
      if (end < 0) end = path.length;
      const segment = path.slice(start, end);
      const literal = node.literals.get(segment);
      if (literal !== undefined) {
        node = literal;
      } else {
        if (node.parameter === undefined) return undefined;
        values.push(segment);
        node = node.parameter;
      }
    }
    if (node.routes.size === 0) return undefined;
    const route = node.routes.get(verb);
    if (route === undefined) return { route, verbs: [...node.routes.keys()] };
    return { route, values: values.map(decodeSegment) };
  }
}

function newNode(): Node {
  return { literals: new Map(), routes: new Map(), parameter: undefined };
}

function childOf(node: Node, segment: string): Node {
  let child = node.literals.get(segment);
  if (child === undefined) {
    child = newNode();
    node.literals.set(segment, child);
  }
  return child;
}

/** An escaped slash belongs to its segment. */
function decodeSegment(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw malformed(`the path's \`${segment}\` is no percent-encoded UTF-8`, cause);
  }
}

function stringField(method: DescMethod, name: string): DescField {
  const field = method.input.fields.find((each) => each.name === name);
  assert(
    field?.fieldKind === 'scalar' && field.scalar === ScalarType.STRING,
    `${method.name}: {${name}} of the path is a string field`,
  );
  return field;
}
