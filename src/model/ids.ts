/** Ids of stores and models: ULIDs in upper case, made into types of their own by parsing. */

declare const brand: unique symbol;
export type StoreId = string & { readonly [brand]: 'StoreId' };
export type ModelId = string & { readonly [brand]: 'ModelId' };

/** The wire's rule, a little wider than a ULID's alphabet. */
const pattern = /^[ABCDEFGHJKMNPQRSTVWXYZ0-9]{26}$/;

export function isStoreId(text: string): text is StoreId {
  return pattern.test(text);
}

export function isModelId(text: string): text is ModelId {
  return pattern.test(text);
}

/**
 * Of the store in which the server keeps its own: who may call what. It has not the form of an id, so
 * that no request can name it.
 */
export const systemStoreId = 'system' as StoreId;
