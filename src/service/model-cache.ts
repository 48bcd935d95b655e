/** Compiled models, kept by store and model id. Models never change, so an entry never goes stale. */
import { LRUCache } from 'lru-cache';
import { Refusal } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { compile } from '../model/compile.ts';
import type { CompiledModel } from '../model/compiled.ts';
import type { ModelId, StoreId } from '../model/ids.ts';
import { parseModel } from '../model/parse.ts';
import type { Snapshot } from '../storage/datastore.ts';

interface Entry {
  readonly model: CompiledModel;
  /** The store's latest model when this one was last known to exist. */
  latest: ModelId;
}

export interface ResolvedModel {
  readonly id: ModelId;
  readonly model: CompiledModel;
}

export class ModelCache {
  readonly #entries = new LRUCache<string, Entry>({ max: limits.compiledModelsMax });
  /** The last answer, and to what: most requests ask for the same model as the one before. */
  #last: (ResolvedModel & { readonly store: StoreId; readonly latest: ModelId }) | undefined;

  /**
   * The model of this id, or the store's latest where `id` is ''. A model vanishes only together
   * with its store, and then the store's latest is another one or none: as long as the latest is
   * the one that was seen, the entry needs no look at storage.
   */
  resolve(store: StoreId, snapshot: Snapshot, id: ModelId | ''): ResolvedModel {
    const latest = snapshot.latestModelId();
    const wanted = id === '' ? latest : id;
    if (wanted === undefined) {
      throw new Refusal(
        'latest_authorization_model_not_found',
        `No authorization models found for store '${store}'`,
      );
    }
    const last = this.#last;
    if (
      last !== undefined &&
      last.id === wanted &&
      last.store === store &&
      last.latest === latest
    ) {
      return last;
    }
    // Ids have a fixed length: two pairs never make the same key.
    const key = `${store}/${wanted}`;
    const known = this.#entries.get(key);
    if (known !== undefined && known.latest === latest) {
      this.#last = { id: wanted, model: known.model, store, latest };
      return this.#last;
    }
    const record = snapshot.model(wanted);
    if (record === undefined || latest === undefined) {
      this.#entries.delete(key);
      throw modelNotFound(wanted);
    }
    if (known !== undefined) {
      known.latest = latest;
      return { id: wanted, model: known.model };
    }
    const model = compile(parseModel(JSON.parse(record.definition)), (name) =>
      snapshot.symbol(name),
    );
    this.#entries.set(key, { model, latest });
    return { id: wanted, model };
  }
}

export function modelNotFound(id: ModelId): Refusal {
  return new Refusal('authorization_model_not_found', `Authorization Model '${id}' not found`);
}
