/**
 * The type checker of conditions: what type an expression has, given its parameters' types. It runs
 * when a model is written, so that a condition cannot fail on its types at check time. The library
 * that parses and evaluates CEL has no checker of its own.
 */
import type { parse } from '@bufbuild/cel';
import { functions } from './cel-functions.ts';
import {
  assign,
  type CelType,
  formatType,
  renamed,
  type Substitution,
  sameType,
  scalar,
  substitute,
} from './cel-types.ts';

export type Expression = NonNullable<ReturnType<typeof parse>['expr']>;

/** A fault at one node of the expression. */
export class CelTypeError extends Error {
  override name = 'CelTypeError';
  readonly node: bigint;

  constructor(node: bigint, message: string) {
    super(message);
    this.node = node;
  }
}

const dyn = scalar('dyn');

/** Names of types, which are values too. */
const typeNames: ReadonlySet<string> = new Set(
  'bool bytes double dyn int list map null_type string type uint'.split(' '),
);

/** Throws a `CelTypeError` for the first part of the expression that has no type. */
export function typeOf(expression: Expression, variables: ReadonlyMap<string, CelType>): CelType {
  const checker = new Checker();
  const type = checker.check(expression, variables);
  return substitute(type, checker.substitution);
}

type Scope = ReadonlyMap<string, CelType>;
type NodeOf<Case extends string> = Extract<
  Expression['exprKind'],
  { readonly case: Case; readonly value: unknown }
>['value'];

/** Holds what is known of the type variables while an expression is gone through. */
class Checker {
  substitution: Substitution = new Map();
  #uses = 0;

  check(node: Expression, scope: Scope): CelType {
    const { exprKind } = node;
    switch (exprKind.case) {
      case 'constExpr':
        return constantType(node.id, exprKind.value);
      case 'identExpr':
        return this.#checkName(node.id, exprKind.value.name, scope);
      case 'selectExpr':
        return this.#checkSelect(node, exprKind.value, scope);
      case 'callExpr':
        return this.#checkCall(node.id, exprKind.value, scope);
      case 'listExpr':
        return { kind: 'list', element: this.#join(exprKind.value.elements, scope) };
      case 'structExpr':
        return this.#checkMap(node.id, exprKind.value, scope);
      case 'comprehensionExpr':
        return this.#checkComprehension(node.id, exprKind.value, scope);
      default:
        throw new CelTypeError(node.id, 'not an expression');
    }
  }

  #checkName(id: bigint, name: string, scope: Scope): CelType {
    const variable = scope.get(name.replace(/^\./, ''));
    if (variable !== undefined) return variable;
    if (typeNames.has(name)) return scalar('type');
    throw new CelTypeError(id, `undeclared reference to '${name}'`);
  }

  #checkSelect(node: Expression, select: NodeOf<'selectExpr'>, scope: Scope): CelType {
    if (isTimeType(node)) return scalar('type');
    const operand = this.#resolved(this.check(present(select.operand), scope));
    if (operand.kind !== 'map' && operand.kind !== 'dyn') {
      throw new CelTypeError(
        node.id,
        `type '${formatType(operand)}' does not support field selection`,
      );
    }
    if (select.testOnly) return scalar('bool');
    return operand.kind === 'map' ? operand.value : dyn;
  }

  #checkCall(id: bigint, call: NodeOf<'callExpr'>, scope: Scope): CelType {
    const method = call.target !== undefined;
    const operands = call.target === undefined ? call.args : [call.target, ...call.args];
    const overloads = functions.get(call.function)?.filter((o) => o.method === method) ?? [];
    if (overloads.length === 0) {
      throw new CelTypeError(id, `undeclared reference to '${call.function}'`);
    }
    const types = operands.map((operand) => this.check(operand, scope));
    let result: CelType | undefined;
    const before = this.substitution;
    for (const overload of overloads) {
      const suffix = `.${this.#uses++}`;
      const after = assignAll(
        types,
        overload.parameters.map((parameter) => renamed(parameter, suffix)),
        before,
      );
      if (after === undefined) continue;
      const type = substitute(renamed(overload.result, suffix), after);
      // Where a dynamic operand fits several overloads, only the run will tell which it is.
      result = result === undefined || sameType(result, type) ? type : dyn;
      this.substitution = after;
    }
    if (result !== undefined) return result;
    const actual = types.map((type) => formatType(this.#resolved(type)));
    const applied = method ? `${actual[0]}.(${actual.slice(1)})` : `(${actual.join(', ')})`;
    throw new CelTypeError(
      id,
      `found no matching overload for '${call.function}' applied to '${applied}'`,
    );
  }

  #checkMap(id: bigint, struct: NodeOf<'structExpr'>, scope: Scope): CelType {
    if (struct.messageName !== '') {
      throw new CelTypeError(id, `undeclared reference to '${struct.messageName}'`);
    }
    const keys = struct.entries.map((entry) => {
      if (entry.keyKind.case !== 'mapKey') throw new CelTypeError(entry.id, 'not a map key');
      return entry.keyKind.value;
    });
    const values = struct.entries.map((entry) => present(entry.value));
    return { kind: 'map', key: this.#join(keys, scope), value: this.#join(values, scope) };
  }

  #checkComprehension(id: bigint, fold: NodeOf<'comprehensionExpr'>, scope: Scope): CelType {
    if (fold.iterVar2 !== '') throw new CelTypeError(id, 'a macro takes one variable');
    const range = this.#resolved(this.check(present(fold.iterRange), scope));
    const item = itemType(range);
    if (item === undefined) {
      throw new CelTypeError(
        id,
        `expression of type '${formatType(range)}' cannot be range of a comprehension ` +
          '(must be list, map, or dynamic)',
      );
    }
    const initial = this.check(present(fold.accuInit), scope);
    const outer = new Map(scope).set(fold.accuVar, initial);
    const inner = new Map(outer).set(fold.iterVar, item);
    this.#require(present(fold.loopCondition), scalar('bool'), inner);
    this.#require(present(fold.loopStep), initial, inner);
    return this.check(present(fold.result), outer);
  }

  #require(node: Expression, wanted: CelType, scope: Scope): void {
    const actual = this.check(node, scope);
    const after = assign(actual, wanted, this.substitution);
    if (after === undefined) {
      const [expected, found] = [wanted, actual].map((type) => formatType(this.#resolved(type)));
      throw new CelTypeError(node.id, `expected type '${expected}' but found '${found}'`);
    }
    this.substitution = after;
  }

  /** The common type of the elements of a literal; `dyn` where they have none. */
  #join(nodes: readonly Expression[], scope: Scope): CelType {
    let joined: CelType | undefined;
    for (const node of nodes) {
      const type = this.check(node, scope);
      if (joined === undefined) {
        joined = type;
        continue;
      }
      const after = assign(type, joined, this.substitution);
      if (after === undefined) joined = dyn;
      else this.substitution = after;
    }
    return joined ?? { kind: 'variable', name: `element.${this.#uses++}` };
  }

  #resolved(type: CelType): CelType {
    const resolved = substitute(type, this.substitution);
    return resolved.kind === 'variable' ? dyn : resolved;
  }
}

function assignAll(
  actual: readonly CelType[],
  wanted: readonly CelType[],
  before: Substitution,
): Substitution | undefined {
  if (actual.length !== wanted.length) return undefined;
  let substitution: Substitution | undefined = before;
  for (const [i, type] of actual.entries()) {
    substitution = assign(type, wanted[i] as CelType, substitution);
    if (substitution === undefined) return undefined;
  }
  return substitution;
}

function itemType(range: CelType): CelType | undefined {
  switch (range.kind) {
    case 'list':
      return range.element;
    case 'map':
      return range.key;
    case 'dyn':
      return dyn;
    default:
      return undefined;
  }
}

function constantType(id: bigint, constant: NodeOf<'constExpr'>): CelType {
  switch (constant.constantKind.case) {
    case 'boolValue':
      return scalar('bool');
    case 'bytesValue':
      return scalar('bytes');
    case 'doubleValue':
      return scalar('double');
    case 'int64Value':
      return scalar('int');
    case 'nullValue':
      return scalar('null_type');
    case 'stringValue':
      return scalar('string');
    case 'uint64Value':
      return scalar('uint');
    default:
      throw new CelTypeError(id, 'not a constant');
  }
}

/** The types whose names have dots in them. */
export function isTimeType(node: Expression): boolean {
  return /^google\.protobuf\.(Timestamp|Duration)$/.test(qualifiedName(node) ?? '');
}

/** `a.b.c` where the node is nothing but names. */
function qualifiedName(node: Expression): string | undefined {
  const { exprKind } = node;
  if (exprKind.case === 'identExpr') return exprKind.value.name;
  if (exprKind.case !== 'selectExpr' || exprKind.value.testOnly) return undefined;
  const operand = exprKind.value.operand && qualifiedName(exprKind.value.operand);
  return operand === undefined ? undefined : `${operand}.${exprKind.value.field}`;
}

function present(node: Expression | undefined): Expression {
  if (node === undefined) throw new CelTypeError(0n, 'an expression lacks a part');
  return node;
}
