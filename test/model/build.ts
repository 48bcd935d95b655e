/** Builders for the model tests: models from DSL text, symbols that count up, conditions from a line. */
import { assert } from '../../src/base/assert.ts';
import { compile, namesOf } from '../../src/model/compile.ts';
import { compileCondition } from '../../src/model/compile-condition.ts';
import type { CompiledModel, CompiledRelation } from '../../src/model/compiled.ts';
import type { CompiledCondition } from '../../src/model/condition.ts';
import { modelFromDsl } from '../../src/model/dsl.ts';
import type { Model } from '../../src/model/model.ts';
import { parseModel } from '../../src/model/parse.ts';
import { parseObject, parseSubject, type Tuple } from '../../src/model/tuple.ts';

export async function modelOf(types: string): Promise<Model> {
  return parseModel(await modelFromDsl(`model\n  schema 1.1\n${types}`));
}

export async function compiledOf(types: string): Promise<CompiledModel> {
  return compileCounting(await modelOf(types));
}

export function compileCounting(model: Model): CompiledModel {
  const symbols = new Map(namesOf(model).map((name, i) => [name, i + 1]));
  return compile(model, (name) => symbols.get(name) ?? 0);
}

/** `type#relation` of a compiled model. */
export function relationOf(model: CompiledModel, text: string): CompiledRelation {
  const [type = '', name = ''] = text.split('#');
  const relation = model.relations[model.relationIndex(type, name)];
  assert(relation !== undefined, `the model has no ${text}`);
  return relation;
}

/** `document:1#viewer@user:anne`, guarded or not. */
export function tupleOf(text: string, condition?: Tuple['condition']): Tuple {
  const [, objectText = '', relation = '', subjectText = ''] =
    /^([^#]*)#([^@]*)@(.*)$/.exec(text) ?? [];
  const object = parseObject(objectText);
  const subject = parseSubject(subjectText);
  assert(object !== undefined && subject !== undefined, `${text} is no tuple`);
  return { object, relation, subject, condition };
}

/** A condition `c` with parameters like `{ x: 'int', l: 'list<string>' }`. */
export function conditionOf(
  expression: string,
  parameters: Readonly<Record<string, string>> = {},
): CompiledCondition {
  const wire = Object.entries(parameters).map(([name, type]) => [name, wireType(type)]);
  const model = parseModel({
    conditions: { c: { name: 'c', expression, parameters: Object.fromEntries(wire) } },
  });
  const definition = model.conditions.get('c');
  assert(definition !== undefined, 'the model has its condition');
  return compileCondition(definition);
}

function wireType(text: string): unknown {
  const [, name = '', generic] = /^(\w+)(?:<(.*)>)?$/.exec(text) ?? [];
  const generics = generic === undefined ? [] : [wireType(generic)];
  return { type_name: `TYPE_NAME_${name.toUpperCase()}`, generic_types: generics };
}
