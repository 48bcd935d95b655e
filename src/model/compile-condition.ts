/** A condition made ready to evaluate: parsed and type-checked once, its cost bounded every time. */
import { type CelInput, type CelResult, isCelError, parse, plan } from '@bufbuild/cel';
import { Refusal } from '../base/errors.ts';
import type { JsonObject, JsonValue } from '../base/json.ts';
import { limits } from '../base/limits.ts';
import { CelTypeError, type Expression, typeOf } from './cel-check.ts';
import { environment } from './cel-environment.ts';
import { instrumented } from './cel-instrument.ts';
import { startMeter } from './cel-meter.ts';
import { formatType } from './cel-types.ts';
import type { CompiledCondition, ConditionOutcome } from './condition.ts';
import type { ConditionDefinition } from './model.ts';
import { celTypeOf, convert, ParameterFault } from './parameter-types.ts';

/**
 * Refusal `invalid_authorization_model` when the expression does not parse, or is not of type bool.
 * The reason of a failed evaluation is worded to follow
 * `failed to evaluate relationship condition: `.
 */
export function compileCondition(definition: ConditionDefinition): CompiledCondition {
  const program: Program = plan(environment, instrumented(checked(definition)));
  return {
    definition,
    evaluate: (tupleContext, requestContext) =>
      evaluate(definition, program, { ...requestContext, ...tupleContext }),
    faultOfTupleContext: (context) => faultOfTupleContext(definition, context),
  };
}

type Program = (bindings: Record<string, CelInput>) => CelResult;
type Bindings = Record<string, CelInput>;

function checked(definition: ConditionDefinition): Expression {
  const types = new Map(
    [...definition.parameters].map(([name, type]) => [name, celTypeOf(type)] as const),
  );
  const { expr, sourceInfo } = parsed(definition);
  if (expr === undefined) return refuse(definition, 'the expression is empty');
  try {
    const type = formatType(typeOf(expr, types));
    if (type === 'bool') return expr;
    return refuse(definition, `expected a bool condition expression output, but got '${type}'`);
  } catch (error) {
    if (!(error instanceof CelTypeError)) throw error;
    const offset = sourceInfo?.positions[String(error.node)] ?? 0;
    return refuse(definition, `ERROR: ${placeOf(definition, offset)}: ${error.message}`);
  }
}

function parsed(definition: ConditionDefinition): ReturnType<typeof parse> {
  try {
    return parse(definition.expression);
  } catch (error) {
    // The parser's own message already ends in line, column and what it expected.
    const message = error instanceof Error ? error.message : 'the expression cannot be parsed';
    return refuse(definition, `ERROR: ${definition.name}: Syntax error: ${message}`);
  }
}

function placeOf(definition: ConditionDefinition, offset: number): string {
  const lines = definition.expression.slice(0, offset).split('\n');
  return `${definition.name}:${lines.length}:${(lines.at(-1)?.length ?? 0) + 1}`;
}

function refuse(definition: ConditionDefinition, cause: string): never {
  throw new Refusal(
    'invalid_authorization_model',
    `failed to compile expression on condition '${definition.name}' - ${cause}`,
  );
}

/** What is ill-typed comes before what is missing: so OpenFGA's server has it. */
function evaluate(
  definition: ConditionDefinition,
  program: Program,
  context: JsonObject,
): ConditionOutcome {
  const bindings = bind(definition, context);
  if (typeof bindings === 'string') return { kind: 'failed', reason: bindings };
  const missing = [...definition.parameters.keys()].filter((name) => !Object.hasOwn(context, name));
  if (missing.length > 0) return { kind: 'missing', parameters: missing };
  startMeter(limits.conditionCostMax);
  const result = program(bindings);
  if (isCelError(result)) return failed(definition, result.message);
  if (typeof result !== 'boolean') return failed(definition, 'the expression gave no bool');
  return { kind: result ? 'met' : 'unmet' };
}

function failed(definition: ConditionDefinition, cause: string): ConditionOutcome {
  const reason = `'${definition.name}' - failed to evaluate condition expression: ${cause}`;
  return { kind: 'failed', reason };
}

/** The declared parameters that the context has, by their types; or why they cannot be had. */
function bind(definition: ConditionDefinition, context: JsonObject): Bindings | string {
  if (definition.parameters.size === 0 && Object.keys(context).length > 0) {
    return typeFault(definition, 'no parameters defined for the condition');
  }
  // Without a prototype no parameter name can mean anything but the parameter.
  const bindings: Bindings = Object.create(null);
  for (const [name, type] of definition.parameters) {
    if (!Object.hasOwn(context, name)) continue;
    try {
      bindings[name] = convert(context[name] as JsonValue, type);
    } catch (error) {
      if (!(error instanceof ParameterFault)) throw error;
      return typeFault(
        definition,
        `failed to convert context parameter '${name}': ${error.message}`,
      );
    }
  }
  return bindings;
}

function typeFault(definition: ConditionDefinition, cause: string): string {
  return `parameter type error on condition '${definition.name}' - ${cause}`;
}

function faultOfTupleContext(
  definition: ConditionDefinition,
  context: JsonObject,
): string | undefined {
  const bindings = bind(definition, context);
  if (typeof bindings === 'string') return bindings;
  const unknown = Object.keys(context).find((key) => !definition.parameters.has(key));
  return unknown === undefined ? undefined : `found invalid context parameter: ${unknown}`;
}
