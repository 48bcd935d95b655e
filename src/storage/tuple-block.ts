/**
 * Many tuples as a few arrays: every text once, and integers that stand for it. An object a tuple
 * would cost more to hand to another thread than to write.
 */
import { assert } from '../base/assert.ts';
import type { Tuple } from '../model/tuple.ts';

/** Plain data that can cross to a thread. No tuple is in it twice, whatever its condition. */
export interface TupleBlock {
  /** Names of types and relations. */
  readonly symbols: readonly string[];
  /** Of each entity, the place of its type in `symbols`. */
  readonly entityTypes: Int32Array;
  /** Ids of the entities, a line each: no id holds a control character. */
  readonly entityIds: string;
  /** `rowLength` numbers a tuple: the places of its object, relation, subject, subject relation, guard. */
  readonly rows: Int32Array;
  readonly guards: readonly BlockGuard[];
}

export type BlockGuard = Pick<Tuple, 'condition' | 'expiresAt'>;

export const rowLength = 5;

/** In place of a subject relation or a guard. */
export const none = -1;

export function countOf({ rows }: TupleBlock): number {
  return rows.length / rowLength;
}

/** A tuple of the block, for whoever needs one of its own. */
export function tupleAt(block: TupleBlock, ids: readonly string[], index: number): Tuple {
  const { symbols, entityTypes, rows, guards } = block;
  const [object = none, relation = none, subject = none, subjectRelation = none, guard = none] =
    rows.subarray(index * rowLength, (index + 1) * rowLength);
  const symbol = (at: number | undefined) => symbols[at ?? none] ?? '';
  return {
    object: { type: symbol(entityTypes[object]), id: ids[object] ?? '' },
    relation: symbol(relation),
    subject: {
      type: symbol(entityTypes[subject]),
      id: ids[subject] ?? '',
      relation: symbol(subjectRelation),
    },
    condition: guards[guard]?.condition,
    expiresAt: guards[guard]?.expiresAt,
  };
}

/** Places of entities, and pairs of relations, in the key of a tuple. */
const placesMax = 2 ** 16;

export class TupleBlockBuilder {
  private readonly symbols = new Map<string, number>();
  private readonly entities = new Map<string, number>();
  private readonly entityIds: string[] = [];
  private readonly entityTypes: number[] = [];
  private readonly rows: number[] = [];
  private readonly guards: BlockGuard[] = [];
  private readonly relations = new Map<number, number>();
  private readonly keys = new Set<number>();

  symbol(text: string): number {
    let place = this.symbols.get(text);
    if (place === undefined) {
      place = this.symbols.size;
      this.symbols.set(text, place);
    }
    return place;
  }

  /** REQUIRES: `text` is `type:id`, well-formed, and `type` the symbol of its type. */
  entity(text: string, type: number, id: string): number {
    let place = this.entities.get(text);
    if (place === undefined) {
      assert(id.isWellFormed() && !id.includes('\n'), 'an id is text of one line');
      place = this.entities.size;
      assert(place < placesMax, 'a block has few entities');
      this.entities.set(text, place);
      this.entityIds.push(id);
      this.entityTypes.push(type);
    }
    return place;
  }

  /** ENSURES: false, and nothing done, where the tuple is in the block already. */
  add(
    object: number,
    relation: number,
    subject: number,
    subjectRelation: number,
    guard?: BlockGuard,
  ): boolean {
    const key = (object * placesMax + subject) * placesMax + this.pair(relation, subjectRelation);
    if (this.keys.has(key)) return false;
    this.keys.add(key);
    this.rows.push(object, relation, subject, subjectRelation);
    this.rows.push(guard === undefined ? none : this.guards.push(guard) - 1);
    return true;
  }

  build(): TupleBlock {
    return {
      symbols: [...this.symbols.keys()],
      entityTypes: Int32Array.from(this.entityTypes),
      entityIds: this.entityIds.join('\n'),
      rows: Int32Array.from(this.rows),
      guards: this.guards,
    };
  }

  private pair(relation: number, subjectRelation: number): number {
    const key = relation * placesMax + subjectRelation + 1;
    let place = this.relations.get(key);
    if (place === undefined) {
      place = this.relations.size;
      assert(place < placesMax, 'a block has few relations');
      this.relations.set(key, place);
    }
    return place;
  }
}
