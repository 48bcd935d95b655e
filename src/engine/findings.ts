/** What an exact list has found out about one object or subject, and the rows that are made of it. */
import { Refusal } from '../base/errors.ts';
import type { CompiledModel, CompiledRelation } from '../model/compiled.ts';
import { EntityList } from './entity-list.ts';
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

/** Of rows without any. */
const noneUnanswered: readonly UnansweredRelation[] = [];

/** No relation holds. */
export const noneHeld = 0;

/** Sets of relations by number, so that the rows of a list with the same one share their names. */
export class RelationSets {
  private readonly model: CompiledModel;
  /** By number of the set: its relations. */
  private readonly members: (readonly number[])[] = [[]];
  private readonly names: (readonly string[] | undefined)[] = [];
  /** By relation: the set of it alone. */
  private readonly alone: (number | undefined)[] = [];
  /** By number of a set and a relation: the set with the relation in it. */
  private readonly larger = new Map<number, number>();
  private readonly known = new Map<string, number>([['', noneHeld]]);

  constructor(model: CompiledModel) {
    this.model = model;
  }

  nameOf(relation: number): string {
    return (this.model.relations[relation] as CompiledRelation).name;
  }

  /** The number of the set with one more relation. */
  with(set: number, relation: number): number {
    if (set !== noneHeld) return this.enlarged(set, relation);
    const known = this.alone[relation];
    if (known !== undefined) return known;
    const number = this.enlarged(set, relation);
    this.alone[relation] = number;
    return number;
  }

  private enlarged(set: number, relation: number): number {
    const key = set * this.model.relations.length + relation;
    const known = this.larger.get(key);
    if (known !== undefined) return known;
    const members = [...(this.members[set] as readonly number[]), relation].sort((a, b) => a - b);
    const text = members.join(' ');
    const number = this.known.get(text) ?? this.members.push(members) - 1;
    this.known.set(text, number);
    this.larger.set(key, number);
    return number;
  }

  /** In the order of the model. */
  namesOf(set: number): readonly string[] {
    let names = this.names[set];
    if (names === undefined) {
      names = (this.members[set] as readonly number[]).map((relation) => this.nameOf(relation));
      this.names[set] = names;
    }
    return names;
  }
}

interface Open {
  readonly relation: number;
  readonly verdict: Unanswered;
}

/** Of the objects of a type, or of the subjects of a kind, in the order in which they were found. */
export class Findings {
  private readonly found: number[];
  private readonly sets: RelationSets;
  /** Undefined where all of an entity is added before the next one. */
  private readonly list: EntityList | undefined;
  /** By place: the number of the set of relations that hold. */
  private readonly held: number[] = [];
  /** By place, where there is any. */
  private readonly open = new Map<number, Open[]>();

  /** `together`: all of an entity is added before the next one, so that none has to be looked up. */
  constructor(sets: RelationSets, { together }: { readonly together: boolean }) {
    this.sets = sets;
    this.list = together ? undefined : new EntityList();
    this.found = this.list?.entities ?? [];
  }

  get entities(): readonly number[] {
    return this.found;
  }

  get size(): number {
    return this.found.length;
  }

  /** REQUIRES: each relation of an entity at most once; yes, or no answer. */
  add(entity: number, relation: number, verdict: Exclude<Verdict, { kind: 'denied' }>): void {
    const place = this.placeOf(entity);
    const held = this.held[place] ?? noneHeld;
    if (verdict.kind === 'allowed') {
      this.held[place] = this.sets.with(held, relation);
      return;
    }
    this.held[place] = held;
    const open = this.open.get(place);
    if (open === undefined) this.open.set(place, [{ relation, verdict }]);
    else open.push({ relation, verdict });
  }

  /** Several relations that hold. REQUIRES: the entity is new. */
  addHeld(entity: number, set: number): void {
    this.held[this.placeOf(entity)] = set;
  }

  /** Whether any relation holds. */
  isHeldAt(place: number): boolean {
    return this.held[place] !== noneHeld;
  }

  get hasUnanswered(): boolean {
    return this.open.size > 0;
  }

  private placeOf(entity: number): number {
    if (this.list !== undefined) return this.list.add(entity);
    const { found } = this;
    const last = found.length - 1;
    return last >= 0 && found[last] === entity ? last : found.push(entity) - 1;
  }

  relationsAt(place: number): Row['relations'] {
    return this.sets.namesOf(this.held[place] as number);
  }

  unansweredAt(place: number): Row['unanswered'] {
    const open = this.open.size === 0 ? undefined : this.open.get(place);
    if (open === undefined) return noneUnanswered;
    return open
      .sort((a, b) => a.relation - b.relation)
      .map(({ relation, verdict }) => ({ relation: this.sets.nameOf(relation), verdict }));
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
