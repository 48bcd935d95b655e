/** Whether two models say the same, in whatever order and with whatever white space they say it. */
import type {
  ConditionDefinition,
  Model,
  ParameterType,
  Rewrite,
  TypeDefinition,
} from './model.ts';

export function sameModel(a: Model, b: Model): boolean {
  return modelText(a) === modelText(b);
}

/** Injective, but for the order of what has none: every name is quoted, every list in brackets. */
function modelText(model: Model): string {
  const types = mapText(model.types, typeText);
  return `${model.schemaVersion}${types}${mapText(model.conditions, conditionText)}`;
}

function mapText<Value>(map: ReadonlyMap<string, Value>, textOf: (value: Value) => string): string {
  return unordered([...map].map(([name, value]) => `${JSON.stringify(name)}:${textOf(value)}`));
}

function typeText(type: TypeDefinition): string {
  return mapText(type.relations, ({ rewrite, restrictions }) => {
    const texts = restrictions.map((each) =>
      JSON.stringify([each.type, each.relation, each.wildcard, each.condition]),
    );
    return rewriteText(rewrite) + unordered(texts);
  });
}

function rewriteText(rewrite: Rewrite): string {
  switch (rewrite.kind) {
    case 'this':
      return rewrite.kind;
    case 'computed':
      return JSON.stringify(rewrite.relation);
    case 'from':
      return `${JSON.stringify(rewrite.relation)} from ${JSON.stringify(rewrite.tupleset)}`;
    case 'union':
    case 'intersection':
      return rewrite.kind + unordered(rewrite.children.map(rewriteText));
    case 'exclusion':
      return `[${rewriteText(rewrite.base)} - ${rewriteText(rewrite.subtract)}]`;
  }
}

function conditionText({ expression, parameters }: ConditionDefinition): string {
  const lines = expression.trim().split('\n');
  return JSON.stringify(lines.map((line) => line.trim())) + mapText(parameters, parameterText);
}

function parameterText({ name, generics }: ParameterType): string {
  return name + unordered(generics.map(parameterText));
}

function unordered(texts: readonly string[]): string {
  return `[${texts.toSorted().join(',')}]`;
}
