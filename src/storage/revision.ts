/**
 * Consistency tokens: the opaque text of (store, revision) that a write hands out and a read brings
 * back. Check digits tell a token that was cut or typed wrong from one that only looks strange; they
 * are no secret, for a token grants nothing.
 */
import { assert } from '../base/assert.ts';
import { Refusal } from '../base/errors.ts';
import { isStoreId, type StoreId } from '../model/ids.ts';
import type { Revision } from './datastore.ts';

const plainPattern = /^([A-Z0-9]{26})-([0-9]{1,16})-([0-9a-z]{1,7})$/;

export function formatConsistencyToken(store: StoreId, revision: Revision): string {
  assert(Number.isSafeInteger(revision) && revision >= 0, 'a revision is a whole number');
  const body = `${store}-${revision}`;
  return Buffer.from(`${body}-${checkDigits(body)}`, 'latin1').toString('base64url');
}

/**
 * The revision that the token names.
 *
 * ENSURES: a token that `formatConsistencyToken` did not make for this store is refused.
 */
export function parseConsistencyToken(text: string, store: StoreId): Revision {
  // A token has one spelling: decoding alone would skip what is not base64url.
  const plain = Buffer.from(text, 'base64url').toString('latin1');
  const parts = plainPattern.exec(plain);
  if (parts === null || Buffer.from(plain, 'latin1').toString('base64url') !== text) {
    throw malformed('is malformed');
  }
  const [, tokenStore = '', digits = '', check] = parts;
  const revision = Number(digits);
  const body = `${tokenStore}-${revision}`;
  if (!isStoreId(tokenStore) || !Number.isSafeInteger(revision) || checkDigits(body) !== check) {
    throw malformed('is malformed');
  }
  if (tokenStore !== store) throw malformed(`belongs to another store than \`${store}\``);
  return revision;
}

function malformed(fault: string): Refusal {
  return new Refusal(
    'validation_error',
    `the consistency token ${fault}: send back what a write or a read of this store returned in \`pemba-consistency-token\``,
  );
}

/** FNV-1a over 32 bits, in base 36. */
function checkDigits(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0).toString(36);
}
