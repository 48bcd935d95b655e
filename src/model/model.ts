/** An authorization model as data: what was written, parsed but not yet compiled. Immutable. */

export type Rewrite =
  | { readonly kind: 'this' }
  | { readonly kind: 'computed'; readonly relation: string }
  | { readonly kind: 'from'; readonly tupleset: string; readonly relation: string }
  | { readonly kind: 'union' | 'intersection'; readonly children: readonly Rewrite[] }
  | { readonly kind: 'exclusion'; readonly base: Rewrite; readonly subtract: Rewrite };

/** One entry of a relation's `[…]`: which subjects may stand in its tuples. */
export interface TypeRestriction {
  readonly type: string;
  /** '' for objects of the type. */
  readonly relation: string;
  readonly wildcard: boolean;
  /** '' where a tuple needs no condition. */
  readonly condition: string;
}

export interface RelationDefinition {
  readonly name: string;
  readonly rewrite: Rewrite;
  readonly restrictions: readonly TypeRestriction[];
}

export interface TypeDefinition {
  readonly name: string;
  readonly relations: ReadonlyMap<string, RelationDefinition>;
}

/** Parameter types of a condition, as the wire's `TYPE_NAME_…` in lower case. */
export type ParameterTypeName =
  | 'any'
  | 'bool'
  | 'string'
  | 'int'
  | 'uint'
  | 'double'
  | 'duration'
  | 'timestamp'
  | 'ipaddress'
  | 'list'
  | 'map';

export interface ParameterType {
  readonly name: ParameterTypeName;
  /** The element type of a list or map: one, else none. */
  readonly generics: readonly ParameterType[];
}

export interface ConditionDefinition {
  readonly name: string;
  readonly expression: string;
  readonly parameters: ReadonlyMap<string, ParameterType>;
}

export interface Model {
  readonly schemaVersion: '1.1' | '1.2';
  readonly types: ReadonlyMap<string, TypeDefinition>;
  readonly conditions: ReadonlyMap<string, ConditionDefinition>;
}
