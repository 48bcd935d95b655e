/** The time in a ULID: its first ten characters are milliseconds since 1970 in base 32. */

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** RFC 3339; '' where the id is no ULID. */
export function createdAtOf(id: string): string {
  let ms = 0;
  for (const letter of id.slice(0, 10)) {
    const digit = alphabet.indexOf(letter);
    if (digit === -1) return '';
    ms = ms * 32 + digit;
  }
  const time = new Date(ms);
  return id.length < 10 || Number.isNaN(time.getTime()) ? '' : time.toISOString();
}
