/** An identity file made ready: expressions parsed, defaults filled in, everything held together. */
import type { IssuerConfig } from '../issuer.ts';
import type { CompiledExpression } from './expression.ts';
import type {
  ActorMode,
  Authority,
  CeilingEntry,
  RoleEntry,
  StepUpEntry,
  SubjectBinding,
} from './file.ts';
import type { FileFault, FilePath } from './file-fault.ts';

export interface CompiledIdentity {
  /** By issuer. */
  readonly issuers: ReadonlyMap<string, CompiledIssuer>;
  readonly maps: ReadonlyMap<string, CompiledMap>;
  readonly scopes: ReadonlyMap<string, string>;
  readonly ceilings: readonly CeilingEntry[];
  readonly stepUps: readonly StepUpEntry[];
  readonly binding: SubjectBinding;
  faultAt(path: FilePath, message: string): FileFault;
}

export interface CompiledIssuer {
  readonly config: IssuerConfig;
  readonly map: CompiledMap;
  readonly roles: readonly RoleEntry[];
  readonly path: FilePath;
}

export interface CompiledMap {
  readonly name: string;
  readonly path: FilePath;
  readonly requirement: CompiledExpression | undefined;
  readonly subject: CompiledReference;
  readonly actor: CompiledActor | undefined;
  readonly tuples: readonly CompiledTuple[];
  readonly context: ReadonlyMap<string, CompiledExpression>;
}

export interface CompiledReference {
  readonly path: FilePath;
  readonly place: string;
  readonly type: string;
  readonly namespace: string | undefined;
  /** One value a part; never empty. */
  readonly parts: readonly CompiledExpression[];
}

export interface CompiledActor extends CompiledReference {
  readonly mode: ActorMode;
}

export interface CompiledTuple {
  readonly path: FilePath;
  readonly place: string;
  readonly each: CompiledExpression | undefined;
  readonly when: CompiledExpression | undefined;
  readonly relation: string;
  readonly object: CompiledReference;
  readonly max: number;
  readonly overage: 'deny' | 'ignore';
  readonly authority: Authority;
}

/** All expressions of a map, those of a rule under that rule. */
export function expressionsOf(tuple: CompiledTuple): readonly CompiledExpression[] {
  return [tuple.each, tuple.when, ...tuple.object.parts].filter((each) => each !== undefined);
}
