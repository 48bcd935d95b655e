/** What the lint of an identity file asks of an authorization model. */
import type { LintModel } from '../src/authn/identity/lint.ts';
import type { Model, RelationDefinition } from '../src/model/model.ts';

export function lintModelOf(model: Model): LintModel {
  const relationOf = (type: string, relation: string) =>
    model.types.get(type)?.relations.get(relation);
  return {
    hasType: (type) => model.types.has(type),
    hasRelation: (type, relation) => relationOf(type, relation) !== undefined,
    admits: (type, relation, subjectType) => admits(relationOf(type, relation), subjectType),
    typesWith: (relation) =>
      [...model.types.values()]
        .filter(({ relations }) => relations.has(relation))
        .map(({ name }) => name),
    conditions: new Map(
      [...model.conditions.values()].map(({ name, parameters }) => [name, [...parameters.keys()]]),
    ),
  };
}

function admits(
  definition: RelationDefinition | undefined,
  subjectType: string,
): ReturnType<LintModel['admits']> {
  if (definition === undefined || definition.restrictions.length === 0) return 'computed';
  const fitting = definition.restrictions.filter(
    ({ type, relation, wildcard }) => type === subjectType && relation === '' && !wildcard,
  );
  if (fitting.length === 0) return 'no';
  return fitting.some(({ condition }) => condition === '') ? 'yes' : 'guarded';
}
