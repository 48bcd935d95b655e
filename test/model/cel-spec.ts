/**
 * The CEL specification's own test data, run through what conditions run on: the parser, our type
 * checker, the metered evaluation. Protocol buffer messages are left out: a condition has none.
 */
import {
  type CelInput,
  type CelValue,
  celUint,
  isCelError,
  isCelList,
  isCelMap,
  isCelType,
  isCelUint,
  parse,
  plan,
} from '@bufbuild/cel';
import {
  getConformanceSuite,
  type IncrementalTest,
  type IncrementalTestSuite,
} from '@bufbuild/cel-spec/testdata/tests.js';
import { createRegistry } from '@bufbuild/protobuf';
import { anyUnpack, DurationSchema, TimestampSchema } from '@bufbuild/protobuf/wkt';
import { typeOf } from '../../src/model/cel-check.ts';
import { environment } from '../../src/model/cel-environment.ts';
import { instrumented } from '../../src/model/cel-instrument.ts';
import { startMeter } from '../../src/model/cel-meter.ts';
import { type CelType, formatType, type ScalarKind, scalar } from '../../src/model/cel-types.ts';

type SimpleTest = IncrementalTest['original'];
type Value = Extract<SimpleTest['resultMatcher'], { case: 'value' }>['value'];
type DeclaredType = Extract<
  SimpleTest['typeEnv'][number]['declKind'],
  { case: 'ident' }
>['value']['type'];

export interface SpecTest {
  /** `section/group/name`. */
  readonly name: string;
  readonly test: SimpleTest;
}

/** Every test of a section that has no message in it. */
export function testsOf(section: string): SpecTest[] {
  const [suite] = getConformanceSuite().suites.filter((candidate) => candidate.name === section);
  return suite === undefined
    ? []
    : [...walk(suite, section)].filter(({ test }) => !hasMessages(test));
}

function* walk(suite: IncrementalTestSuite, path: string): Generator<SpecTest> {
  for (const { original } of suite.tests)
    yield { name: `${path}/${original.name}`, test: original };
  for (const inner of suite.suites) yield* walk(inner, `${path}/${inner.name}`);
}

const messages = /TestAllTypes|single_nested|google\.protobuf\.\w*(Value|Struct|Any)|NestedTestAll/;

function hasMessages(test: SimpleTest): boolean {
  const bound = Object.values(test.bindings).some(
    (binding) => binding.kind.case !== 'value' || binding.kind.value.kind.case === 'objectValue',
  );
  return bound || messages.test(test.expr) || test.typeEnv.some((decl) => isMessage(decl));
}

function isMessage(declaration: SimpleTest['typeEnv'][number]): boolean {
  const { declKind } = declaration;
  return declKind.case !== 'ident' || declKind.value.type?.typeKind.case === 'messageType';
}

/** Undefined when the test passes, else what came instead. */
export function deviationOf({ test }: SpecTest): string | undefined {
  const wanted = expected(test);
  const actual = run(test);
  return actual === wanted ? undefined : `${test.expr}: ${actual} instead of ${wanted}`;
}

function expected(test: SimpleTest): string {
  const matcher = test.resultMatcher;
  switch (matcher.case) {
    case 'value':
      return textOfValue(matcher.value);
    case 'typedResult':
      return test.checkOnly
        ? formatType(celType(matcher.value.deducedType))
        : matcher.value.result === undefined
          ? 'nothing'
          : textOfValue(matcher.value.result);
    case undefined:
      return 'bool true';
    default:
      return 'error';
  }
}

function run(test: SimpleTest): string {
  try {
    const { expr } = parse(test.expr);
    if (expr === undefined) return 'error';
    if (!test.disableCheck) {
      const type = typeOf(expr, typesOf(test));
      if (test.checkOnly) return formatType(type);
    }
    startMeter(1_000_000);
    const result = plan(environment, instrumented(expr))(bindingsOf(test));
    return isCelError(result) ? 'error' : textOf(result);
  } catch {
    return 'error';
  }
}

function typesOf(test: SimpleTest): Map<string, CelType> {
  const types = new Map(Object.keys(test.bindings).map((name) => [name, scalar('dyn')] as const));
  for (const { name, declKind } of test.typeEnv) {
    if (declKind.case === 'ident') types.set(name, celType(declKind.value.type));
  }
  return types;
}

const primitives: readonly ScalarKind[] = [
  'dyn',
  'bool',
  'int',
  'uint',
  'double',
  'string',
  'bytes',
];

function celType(type: DeclaredType): CelType {
  switch (type?.typeKind.case) {
    case 'primitive':
      return scalar(primitives[type.typeKind.value] ?? 'dyn');
    case 'listType':
      return { kind: 'list', element: celType(type.typeKind.value.elemType) };
    case 'mapType': {
      const { keyType, valueType } = type.typeKind.value;
      return { kind: 'map', key: celType(keyType), value: celType(valueType) };
    }
    case 'null':
      return scalar('null_type');
    default:
      return scalar('dyn');
  }
}

function bindingsOf(test: SimpleTest): Record<string, CelInput> {
  return Object.fromEntries(
    Object.entries(test.bindings).map(([name, binding]) => [
      name,
      inputOf(binding.kind.value as Value),
    ]),
  );
}

function inputOf(value: Value): CelInput {
  switch (value.kind.case) {
    case 'uint64Value':
      return celUint(value.kind.value);
    case 'nullValue':
      return null;
    case 'listValue':
      return value.kind.value.values.map(inputOf);
    case 'mapValue':
      return new Map(
        value.kind.value.entries.map(({ key, value: item }) => [
          inputOf(key as Value) as string,
          inputOf(item as Value),
        ]),
      );
    default:
      return value.kind.value as CelInput;
  }
}

/** One spelling for the specification's values and the library's. */
function textOfValue(value: Value): string {
  const { kind } = value;
  switch (kind.case) {
    case 'objectValue':
      return timeText(anyUnpack(kind.value, times));
    case 'typeValue':
      return `type ${kind.value}`;
    case 'listValue':
      return `[${kind.value.values.map(textOfValue).join(', ')}]`;
    case 'mapValue':
      return mapText(
        kind.value.entries.map(({ key, value: item }) => [
          textOfValue(key as Value),
          textOfValue(item as Value),
        ]),
      );
    default:
      return textOf(inputOf(value) as CelValue);
  }
}

function textOf(value: CelValue): string {
  if (value === null) return 'null';
  if (typeof value === 'bigint') return `int ${value}`;
  if (typeof value === 'number') return `double ${value}`;
  if (typeof value === 'string') return `string ${JSON.stringify(value)}`;
  if (typeof value === 'boolean') return `bool ${value}`;
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
  if (isCelUint(value)) return `uint ${value.value}`;
  if (isCelType(value)) return `type ${value.name}`;
  if (isCelList(value)) return `[${[...value].map(textOf).join(', ')}]`;
  if (isCelMap(value)) {
    return mapText([...value].map(([key, item]) => [textOf(key), textOf(item)]));
  }
  return timeText(value.message);
}

const times = createRegistry(TimestampSchema, DurationSchema);

function timeText(message: unknown): string {
  const { $typeName, seconds, nanos } = message as {
    $typeName: string;
    seconds: bigint;
    nanos: number;
  };
  return `${$typeName} ${seconds} ${nanos}`;
}

function mapText(entries: readonly (readonly [string, string])[]): string {
  return `{${entries
    .map(([key, item]) => `${key}: ${item}`)
    .sort()
    .join(', ')}}`;
}
