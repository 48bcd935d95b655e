/**
 * Ids made of what claims say. Claims are written by others: an id is built from its parts and
 * spelled so that no two ids meet and none can read as a wildcard, a userset or a path of its own.
 */
import { limits } from '../../base/limits.ts';

/** An object by its parts; its id is spelled already. */
export interface MappedObject {
  readonly type: string;
  readonly id: string;
}

export type IdFault = 'id_not_text' | 'id_empty' | 'id_not_unicode' | 'id_too_long';

/** No `/`, which joins the parts of an id, and no `+`, which begins a spelled byte. */
const safe = /^[A-Za-z0-9_|@.-]+$/;
const safeCharacter = /^[A-Za-z0-9_|@.-]$/;

/**
 * `namespace|part/part`, each byte of a part that is not safe as `+` and two lower-case digits of
 * hex: the object, or why the values cannot be an id.
 *
 * ENSURES: different lists of parts give different ids, as long as all ids of the type have a
 * namespace or none has; a namespace holds no `|`. `compileIdentity` sees to it.
 */
export function objectOf(
  type: string,
  namespace: string | undefined,
  parts: readonly unknown[],
): MappedObject | IdFault {
  const spelled: string[] = [];
  for (const part of parts) {
    if (typeof part !== 'string') return 'id_not_text';
    if (part === '') return 'id_empty';
    // Each unit becomes a character or more, so that what is too long is not spelled first.
    if (part.length > limits.objectLengthMax) return 'id_too_long';
    if (!part.isWellFormed()) return 'id_not_unicode';
    spelled.push(spell(part));
  }
  const id = `${namespace === undefined ? '' : `${namespace}|`}${spelled.join('/')}`;
  return type.length + 1 + id.length > limits.objectLengthMax ? 'id_too_long' : { type, id };
}

function spell(part: string): string {
  if (safe.test(part)) return part;
  let spelled = '';
  for (const character of part) {
    spelled += safeCharacter.test(character) ? character : spellBytes(character);
  }
  return spelled;
}

const encoder = new TextEncoder();

function spellBytes(character: string): string {
  let spelled = '';
  for (const byte of encoder.encode(character)) {
    spelled += `+${byte.toString(16).padStart(2, '0')}`;
  }
  return spelled;
}

export function formatMapped(object: MappedObject): string {
  return `${object.type}:${object.id}`;
}
