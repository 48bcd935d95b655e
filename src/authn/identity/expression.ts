/** CEL expressions of an identity file: parsed, type-checked and bounded when the file is read. */
import { Environment, Optional, ParseError, type ParseResult } from '@marcbachmann/cel-js';
import { limits } from '../../base/limits.ts';
import type { ClaimMap } from './claims.ts';
import { type ExpressionFault, joinFault, readExpression } from './expression-rules.ts';
import { MappingRefusal } from './mapping-refusal.ts';

/** What an expression is to give. The type is checked as far as it is known before it runs. */
export type Wanted = 'bool' | 'id' | 'list' | 'json';

export interface Scope {
  readonly claims: ClaimMap;
  /** Seconds since 1970. */
  readonly now: bigint;
  /** The entry at hand, below `each`. */
  readonly item?: unknown;
}

export interface CompiledExpression {
  /** Path in the identity file. */
  readonly place: string;
  readonly text: string;
  /** Paths of the claims that it reads; `*` for all of them. */
  readonly reads: ReadonlySet<string>;
  /** Undefined for an optional without a value. Throws a MappingRefusal when the evaluation fails. */
  evaluate(scope: Scope): unknown;
}

const structure = {
  maxAstNodes: limits.mappingExpressionNodesMax,
  maxDepth: 32,
  maxCallArguments: 8,
  maxListElements: 200,
  maxMapEntries: 50,
};

const environment = new Environment({
  enableOptionalTypes: true,
  homogeneousAggregateLiterals: false,
  limits: structure,
})
  .registerVariable('claims', 'map<string, dyn>')
  .registerVariable('now', 'int');

const environmentOfItem = environment.clone().registerVariable('item', 'dyn');

/** `below`: whether it is evaluated for each entry of a list, and so has `item`. */
export function compileExpression(
  text: string,
  wanted: Wanted,
  place: string,
  below: boolean,
): CompiledExpression | readonly ExpressionFault[] {
  const parsed = parse(text, below);
  if ('faults' in parsed) return parsed.faults;
  const { program } = parsed;
  const { claims, faults } = readExpression(program.ast, below);
  const join = wanted === 'id' ? joinFault(program.ast) : undefined;
  const all = [...faults, ...(join === undefined ? [] : [join]), ...typeFaults(program, wanted)];
  if (all.length > 0) return all;
  return {
    place,
    text,
    reads: claims,
    evaluate: (scope) => evaluate(program, scope, place),
  };
}

function parse(
  text: string,
  below: boolean,
): { program: ParseResult } | { faults: ExpressionFault[] } {
  try {
    return { program: (below ? environmentOfItem : environment).parse(text) };
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    return { faults: [{ message: error.summary, offset: error.range?.start ?? 0 }] };
  }
}

/** Prefixes of the types' names that the library prints. */
const fitting: Readonly<Record<Wanted, RegExp>> = {
  bool: /^(bool|dyn)$/,
  id: /^(optional<)?(string|dyn)\b/,
  list: /^(optional<)?(list|dyn)\b/,
  json: /^(?!bytes|type|google|optional<optional)/,
};

const hints: Readonly<Record<Wanted, string>> = {
  bool: 'true or false is wanted; an optional needs `.orValue(false)`',
  id: 'text is wanted; write `string(…)` around a number',
  list: 'a list is wanted',
  json: 'text, a number, true or false, null, a list or a map is wanted',
};

function typeFaults(program: ParseResult, wanted: Wanted): ExpressionFault[] {
  const { valid, type = 'dyn', error } = program.check();
  if (!valid) {
    return [{ message: error?.summary ?? 'it is ill-typed', offset: error?.range?.start ?? 0 }];
  }
  if (fitting[wanted].test(type)) return [];
  return [{ message: `it gives \`${type}\`, but ${hints[wanted]}`, offset: 0 }];
}

/** The library's own messages can hold what a claim says, so none is passed on. */
function evaluate(program: ParseResult, scope: Scope, place: string): unknown {
  let value: unknown;
  try {
    value = program(scope);
  } catch {
    throw new MappingRefusal('expression_failed', place);
  }
  return value instanceof Optional ? value.orValue(undefined) : value;
}
