/**
 * A checksum of a set of tuples, whatever their order: the sum of a hash of each. It tells tuples that
 * were lost, doubled or altered by accident, and is no proof against somebody who wants to deceive.
 */
import { canonicalJson } from '../base/json.ts';
import { formatObject, formatSubject, type Tuple } from './tuple.ts';

/** What is hashed of a tuple, as texts. */
export interface TupleTexts {
  readonly object: string;
  readonly relation: string;
  readonly subject: string;
  readonly guard?: Pick<Tuple, 'condition' | 'expiresAt'> | undefined;
}

/** Two hashes of 32 bits, summed each for itself. */
export class TupleChecksum {
  private low = 0;
  private high = 0;
  count = 0;

  add({ object, relation, subject, guard }: TupleTexts): void {
    let low = 0x811c9dc5;
    let high = 0x6c62272e;
    for (const text of guardedTexts(object, relation, subject, guard)) {
      for (let i = 0; i < text.length; i++) {
        const unit = text.charCodeAt(i);
        low = Math.imul(low ^ unit, 0x01000193);
        high = Math.imul(high ^ unit, 0x5bd1e995);
        high ^= high >>> 15;
      }
      // No text holds it: two texts are never taken for one.
      low = Math.imul(low ^ 0x1f, 0x01000193);
      high = Math.imul(high ^ 0x1f, 0x5bd1e995);
    }
    this.low = (this.low + mixed(low)) >>> 0;
    this.high = (this.high + mixed(high)) >>> 0;
    this.count += 1;
  }

  addTuple({ object, relation, subject, condition, expiresAt }: Tuple): void {
    const guarded = condition !== undefined || expiresAt !== undefined;
    this.add({
      object: formatObject(object),
      relation,
      subject: formatSubject(subject),
      guard: guarded ? { condition, expiresAt } : undefined,
    });
  }

  get value(): bigint {
    return (BigInt(this.high) << 32n) | BigInt(this.low);
  }
}

/** Of the tuples of both together. */
export function joinChecksums(a: bigint, b: bigint): bigint {
  const lane = 0xffff_ffffn;
  return ((((a >> 32n) + (b >> 32n)) & lane) << 32n) | (((a & lane) + (b & lane)) & lane);
}

function guardedTexts(
  object: string,
  relation: string,
  subject: string,
  guard: TupleTexts['guard'],
): readonly string[] {
  if (guard === undefined) return [object, relation, subject];
  const { condition, expiresAt } = guard;
  const context = condition === undefined ? '' : canonicalJson(condition.context);
  return [object, relation, subject, condition?.name ?? '', context, String(expiresAt ?? '')];
}

/** Spreads every bit, so that sums of like texts are not alike. */
function mixed(hash: number): number {
  let bits = hash ^ (hash >>> 16);
  bits = Math.imul(bits, 0x85ebca6b);
  bits ^= bits >>> 13;
  bits = Math.imul(bits, 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
