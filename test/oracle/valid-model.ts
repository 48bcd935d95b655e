/** Whether the server takes a model: the same rules that WriteAuthorizationModel applies. */
import { Refusal } from '../../src/base/errors.ts';
import { parseModel } from '../../src/model/parse.ts';
import { validateModel } from '../../src/model/validate.ts';
import type { PlainModel } from './facts.ts';

export function isValidModel(model: PlainModel): boolean {
  try {
    return validateModel(parseModel(model)).length === 0;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}
