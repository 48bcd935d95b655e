/**
 * An identity file beside an authorization model: whether every type and relation that it names is
 * there and takes what the tokens give, and whether what conditions read is given. What a model
 * says comes as plain answers, for this layer knows none.
 */
import type { CompiledIdentity, CompiledMap, CompiledTuple } from './compiled.ts';
import type { FileFault, FilePath } from './file-fault.ts';

export interface LintModel {
  hasType(type: string): boolean;
  hasRelation(type: string, relation: string): boolean;
  /**
   * Whether a tuple may say that a subject of this type, an object and no userset, has the
   * relation. `guarded`: only with a condition, which a mapped tuple never has.
   */
  admits(
    type: string,
    relation: string,
    subjectType: string,
  ): 'yes' | 'no' | 'guarded' | 'computed';
  /** Names of all types that have the relation. */
  typesWith(relation: string): readonly string[];
  /** The parameters of every condition. */
  readonly conditions: ReadonlyMap<string, readonly string[]>;
}

/** Sorted by line. Without a model only what the file says by itself is looked at. */
export function lintIdentity(
  identity: CompiledIdentity,
  model: LintModel | undefined,
): readonly FileFault[] {
  const faults: FileFault[] = [];
  const complain: Complain = (path, message) => faults.push(identity.faultAt(path, message));
  const inUse = new Set(
    identity.issuers
      .values()
      .filter(({ config }) => config.use.includes('subject'))
      .map(({ map }) => map),
  );
  for (const map of identity.maps.values()) {
    if (!identity.issuers.values().some((issuer) => issuer.map === map)) {
      complain(map.path, 'no issuer uses this map');
    }
    if (model !== undefined) lintMap(map, model, complain);
  }
  if (model !== undefined) {
    lintConditions([...inUse], model, complain);
    lintDemands(identity, model, complain);
  }
  return faults.toSorted((a, b) => a.line - b.line);
}

type Complain = (path: FilePath, message: string) => void;

function lintMap(map: CompiledMap, model: LintModel, complain: Complain): void {
  for (const { type, path } of [map.subject, ...(map.actor === undefined ? [] : [map.actor])]) {
    if (!model.hasType(type)) complain(path, noType(type));
  }
  for (const rule of map.tuples) {
    const fault = faultOfRule(rule, map.subject.type, model);
    if (fault !== undefined) complain(rule.path, fault);
  }
}

function faultOfRule(
  { object, relation }: CompiledTuple,
  subjectType: string,
  model: LintModel,
): string | undefined {
  const { type } = object;
  if (!model.hasType(type)) return noType(type);
  if (!model.hasRelation(type, relation)) return noRelation(type, relation);
  // Of a subject whose type is not there all is said where it stands.
  if (!model.hasType(subjectType)) return undefined;
  const named = `\`${type}#${relation}\``;
  switch (model.admits(type, relation, subjectType)) {
    case 'yes':
      return undefined;
    case 'computed':
      return `${named} takes no tuples: it follows from other relations; map one of those`;
    case 'guarded':
      return `${named} takes a \`${subjectType}\` only with a condition, which a mapped tuple never has`;
    case 'no':
      return `${named} takes no \`${subjectType}\`; add it to the relation's types, or map another`;
  }
}

function lintConditions(maps: readonly CompiledMap[], model: LintModel, complain: Complain): void {
  for (const [condition, parameters] of model.conditions) {
    for (const parameter of parameters.filter((name) => name.startsWith('token_'))) {
      for (const map of maps) {
        if (map.context.has(parameter)) continue;
        complain(
          map.path,
          `the condition \`${condition}\` reads \`${parameter}\`, which this map does not give; ` +
            'add it to `context`',
        );
      }
    }
  }
}

function lintDemands(identity: CompiledIdentity, model: LintModel, complain: Complain): void {
  for (const [i, { type, relation }] of identity.ceilings.entries()) {
    const path = ['scope_ceiling', i];
    if (type !== undefined) lintRelation(type, relation, path, model, complain);
    else if (model.typesWith(relation).length === 0) {
      complain(path, `the model has no relation \`${relation}\` on any type`);
    }
  }
  for (const [i, { type, relation }] of identity.stepUps.entries()) {
    lintRelation(type, relation, ['step_up', i], model, complain);
  }
}

function lintRelation(
  type: string,
  relation: string,
  path: FilePath,
  model: LintModel,
  complain: Complain,
): void {
  if (!model.hasType(type)) complain(path, noType(type));
  else if (!model.hasRelation(type, relation)) complain(path, noRelation(type, relation));
}

function noType(type: string): string {
  return `the model has no type \`${type}\``;
}

function noRelation(type: string, relation: string): string {
  return `the type \`${type}\` of the model has no relation \`${relation}\``;
}
