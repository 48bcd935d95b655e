/** What is computed of a model once, and found again for as long as the model is used. */
import type { CompiledModel } from '../model/compiled.ts';

export function perModel<Value>(
  analyse: (model: CompiledModel) => Value,
): (model: CompiledModel) => Value {
  const known = new WeakMap<CompiledModel, { readonly of: CompiledModel; readonly value: Value }>();
  // Most checks are of the same model as the one before: that one takes no look-up.
  let last: { readonly of: CompiledModel; readonly value: Value } | undefined;
  return (model) => {
    if (last?.of === model) return last.value;
    last = known.get(model) ?? { of: model, value: analyse(model) };
    known.set(model, last);
    return last.value;
  };
}
