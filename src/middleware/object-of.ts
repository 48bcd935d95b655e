/** The object of a request: what a path or a body names is written by others, and checked. */
import { limits } from '../base/limits.ts';
import { isIdText, type ObjectRef, parseObject, wildcardId } from '../model/tuple.ts';
import type { NamedObject } from './permission.ts';

/** Undefined where what is named can be no object, so that nobody can have a right to it. */
export function objectOf(named: NamedObject): ObjectRef | undefined {
  const object = typeof named === 'string' ? parseObject(named) : partsOf(named);
  if (object === undefined || object.id === wildcardId) return undefined;
  if (object.type.length + 1 + object.id.length > limits.objectLengthMax) return undefined;
  return object.id.isWellFormed() ? object : undefined;
}

function partsOf({ type, id }: Exclude<NamedObject, string>): ObjectRef | undefined {
  if (typeof id !== 'string' || !isIdText(id)) return undefined;
  return typeof type === 'string' && isIdText(type) ? { type, id } : undefined;
}
