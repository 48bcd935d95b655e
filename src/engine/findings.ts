/** What an exact list has found out about one object or subject, and the rows that are made of it. */
import { Refusal } from '../base/errors.ts';
import type { CompiledModel, CompiledRelation } from '../model/compiled.ts';
import type { Verdict } from './verdict.ts';

/** Why there is neither yes nor no. */
export type Unanswered = Extract<Verdict, { kind: 'unknown' | 'failed' }>;

export interface UnansweredRelation {
  readonly relation: string;
  readonly verdict: Unanswered;
}

/** Relations in the order of the model. */
export interface Row {
  /** Those that hold. */
  readonly relations: readonly string[];
  readonly unanswered: readonly UnansweredRelation[];
}

/** Of one object or subject. */
export class Findings {
  private readonly held: number[] = [];
  private readonly open: { relation: number; verdict: Unanswered }[] = [];

  /** REQUIRES: each relation at most once. */
  add(relation: number, verdict: Verdict): void {
    if (verdict.kind === 'allowed') this.held.push(relation);
    else if (verdict.kind !== 'denied') this.open.push({ relation, verdict });
  }

  get isEmpty(): boolean {
    return this.held.length === 0 && this.open.length === 0;
  }

  row(names: RelationNames): Row {
    return {
      relations: names.of(this.held),
      unanswered: this.open
        .sort((a, b) => a.relation - b.relation)
        .map(({ relation, verdict }) => ({ relation: names.nameOf(relation), verdict })),
    };
  }
}

/** The names of relations; rows with the same ones share one list of them. */
export class RelationNames {
  private readonly model: CompiledModel;
  private readonly known = new Map<string, readonly string[]>();

  constructor(model: CompiledModel) {
    this.model = model;
  }

  nameOf(index: number): string {
    return (this.model.relations[index] as CompiledRelation).name;
  }

  of(indexes: readonly number[]): readonly string[] {
    const sorted = indexes.toSorted((a, b) => a - b);
    const key = sorted.join(' ');
    let names = this.known.get(key);
    if (names === undefined) {
      names = sorted.map((index) => this.nameOf(index));
      this.known.set(key, names);
    }
    return names;
  }
}

/** A list is whole or an error. */
export function refuseTooMany(what: 'objects' | 'subjects', rowsMax: number): never {
  const narrower =
    what === 'objects'
      ? 'name types, relations, or a scope'
      : 'name relations, or the types of subjects';
  throw new Refusal(
    'resource_exhausted',
    `the list has more than ${rowsMax} ${what}; ask for less: ${narrower}`,
  );
}

export function refuseExceptions(type: string, exceptionsMax: number): never {
  throw new Refusal(
    'resource_exhausted',
    `more than ${exceptionsMax} subjects are left out of \`${type}:*\`; ask for fewer relations, or list the subtracted relation`,
  );
}
