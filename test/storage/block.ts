/** Blocks of tuples from tuples, as an import has them. */
import { formatObject, type Tuple } from '../../src/model/tuple.ts';
import { none, type TupleBlock, TupleBlockBuilder } from '../../src/storage/tuple-block.ts';

/** REQUIRES: no key twice. */
export function blockOf(tuples: readonly Tuple[]): TupleBlock {
  const block = new TupleBlockBuilder();
  for (const { object, relation, subject, condition, expiresAt } of tuples) {
    const guarded = condition !== undefined || expiresAt !== undefined;
    const place = ({ type, id }: { type: string; id: string }) =>
      block.entity(formatObject({ type, id }), block.symbol(type), id);
    const added = block.add(
      place(object),
      block.symbol(relation),
      place(subject),
      subject.relation === '' ? none : block.symbol(subject.relation),
      guarded ? { condition, expiresAt } : undefined,
    );
    if (!added) throw new Error('a key is in the block twice');
  }
  return block.build();
}
