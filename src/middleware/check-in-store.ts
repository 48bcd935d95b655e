/** A check in a store of the embedding API, in this process. */
import type { JsonObject } from '../base/json.ts';
import type { Check } from './permission.ts';

/** What of a `Store` of `pemba` is used here: whoever asks over HTTP loads none of it. */
export interface CheckStore {
  check(question: StoreQuestion): { readonly kind: 'allowed' | 'denied' | 'unknown' | 'failed' };
}

interface StoreQuestion {
  readonly subject: string;
  readonly relation: string;
  readonly object: string;
  readonly contextualTuples: readonly {
    readonly subject: string;
    readonly relation: string;
    readonly object: string;
  }[];
  readonly context: JsonObject;
  readonly modelId?: string;
}

/** `modelId`: the model to answer by; the store's latest unless given. */
export function checkInStore(store: CheckStore, modelId?: string): Check {
  return ({ subject, relation, object, contextualTuples, context }) => {
    const verdict = store.check({
      subject,
      relation,
      object,
      contextualTuples: contextualTuples.map(({ user, ...rest }) => ({ subject: user, ...rest })),
      context,
      ...(modelId === undefined ? {} : { modelId }),
    });
    if (verdict.kind === 'allowed') return true;
    if (verdict.kind === 'denied') return false;
    throw new Error(`the check has no answer: ${verdict.kind}`, { cause: verdict });
  };
}
