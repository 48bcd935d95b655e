/** The tuples that a subject token stands for, under the model in use. */
import type { MappedIdentity, MappedTuple } from '../authn/identity/mapped.ts';
import { Refusal } from '../base/errors.ts';
import type { CompiledModel } from '../model/compiled.ts';
import type { SubjectRef, Tuple } from '../model/tuple.ts';
import { faultOfTuple } from '../model/validate-tuple.ts';

const known = new WeakMap<MappedIdentity, WeakMap<CompiledModel, readonly Tuple[]>>();

/**
 * As contextual tuples. One file may serve stores of many models: a tuple on a type that the model
 * does not have means nothing there and is left out. Any other one that the model does not take is
 * refused: to go on without it would be to allow what a `but not` subtracts.
 */
export function tokenTuples(mapped: MappedIdentity, model: CompiledModel): readonly Tuple[] {
  let byModel = known.get(mapped);
  if (byModel === undefined) {
    byModel = new WeakMap();
    known.set(mapped, byModel);
  }
  let tuples = byModel.get(model);
  if (tuples === undefined) {
    tuples = mapped.tuples
      .filter(({ object }) => model.model.types.has(object.type))
      .map((tuple) => validTuple(model, tuple));
    byModel.set(model, tuples);
  }
  return tuples;
}

function validTuple(model: CompiledModel, { object, relation, subject }: MappedTuple): Tuple {
  const tuple = { object, relation, subject: { ...subject, relation: '' }, condition: undefined };
  const fault = faultOfTuple(model, tuple, 'contextual');
  if (fault === undefined) return tuple;
  // Nothing of the claims in here: types and relations are the file's own words.
  throw new Refusal(
    'failed_precondition',
    `tuple_not_in_model: the identity file maps \`${subject.type}\` to \`${object.type}#${relation}\`, which the model does not take (${fault.reason}); hold the file against the model with \`pemba identity lint\``,
  );
}

/** Whether the tuple says of the token's subject what the file leaves to the token alone. */
export function decidedByToken({ subject, tokenOnly }: MappedIdentity, tuple: Tuple): boolean {
  return (
    tokenOnly.some(
      ({ type, relation }) => type === tuple.object.type && relation === tuple.relation,
    ) && isObject(tuple.subject, subject)
  );
}

function isObject(one: SubjectRef, other: { readonly type: string; readonly id: string }): boolean {
  return one.type === other.type && one.id === other.id && one.relation === '';
}
