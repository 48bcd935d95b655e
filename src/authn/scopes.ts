/** The scopes of a token, read in one way by whoever asks for them. */

/**
 * `scope` of RFC 9068, words in one text; or `scp`, as Entra (a text) and Okta (a list) call it.
 * Undefined where it is neither. Text with a lone surrogate would be equal to another's as UTF-8.
 */
export function readScopes(scope: unknown, scp: unknown): readonly string[] | undefined {
  const value = scope ?? scp ?? '';
  const words = typeof value === 'string' ? value.split(' ').filter((word) => word !== '') : value;
  return Array.isArray(words) && words.every(isScope) ? words : undefined;
}

function isScope(word: unknown): word is string {
  return typeof word === 'string' && word !== '' && word.isWellFormed();
}
