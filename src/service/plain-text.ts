/**
 * The shortest way to see that a text keeps its rule: nearly every text is short, of ASCII that can be
 * seen, and held by a pattern of one class of characters. What fails here is not wrong: it is looked at
 * the long way, which also knows what to say of it.
 */
import type { Rule } from './field-rules.ts';

/** `^[class]{min,max}$`, as most patterns are. */
const oneClass = /^\^(\[(?:[^\\\]]|\\.)+\])\{(\d+)(?:,(\d+))?\}\$$/;

/** Longer texts are faster to look at with a pattern. */
const lengthMax = 512;

const firstVisible = 0x21;
const lastVisible = 0x7e;

/** ENSURES: undefined, or true only for texts that keep the rule whoever looks at them. */
export function plainTest(rule: Rule & { kind: 'text' }): ((text: string) => boolean) | undefined {
  const { pattern, bytesMin = 0, bytesMax = lengthMax, oneOf } = rule;
  const [, className, least, most = least] = oneClass.exec(pattern ?? '') ?? [];
  if (oneOf !== undefined || className === undefined) return undefined;
  const isMember = new RegExp(`^${className}$`, 'u');
  const members = new Uint8Array(lastVisible + 1);
  for (let code = firstVisible; code <= lastVisible; code++) {
    members[code] = isMember.test(String.fromCharCode(code)) ? 1 : 0;
  }
  const min = Math.max(Number(least), bytesMin);
  const max = Math.min(Number(most), bytesMax, lengthMax);
  return (text) => {
    const { length } = text;
    if (length < min || length > max) return false;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > lastVisible || members[code] === 0) return false;
    }
    return true;
  };
}
