/**
 * Pemba in a program of your own: the same datastore, engine and limits as the server's, without the
 * wire. A check is synchronous and answers at the newest revision.
 */
import { systemClock } from './base/clock.ts';
import { Refusal } from './base/errors.ts';
import { type CallOptions, type CheckBounds, Door } from './embed/door.ts';
import { Store } from './embed/store.ts';
import { CreateStoreRequestSchema } from './gen/openfga/v1/openfga_service_pb.ts';
import { isStoreId, type StoreId } from './model/ids.ts';
import { createCreateStore } from './service/stores.ts';
import type { Datastore } from './storage/datastore.ts';
import { openSqlite } from './storage/sqlite/open.ts';

export type { ErrorCode } from './base/errors.ts';
export type { JsonObject, JsonValue } from './base/json.ts';
export type { CallOptions } from './embed/door.ts';
export type { Explained, ExplainedNode, ExplainedTuple } from './embed/explained.ts';
export type {
  ListedObjects,
  ListedSubjects,
  ListObjectsQuestion,
  ListSubjectsQuestion,
} from './embed/lists.ts';
export type {
  Change,
  Question,
  QuestionOptions,
  RelationsHeld,
  StoredTuple,
  TupleChange,
  Written,
} from './embed/questions.ts';
export type { TupleFilter, TupleKeyText, TupleText } from './embed/texts.ts';
export type { TreeNode } from './engine/tree.ts';
export type { Verdict } from './engine/verdict.ts';
export { Refusal, type Store };

export interface OpenOptions extends CheckBounds {
  /**
   * Bytes for resident graphs: stores that are read are then answered from memory. The file belongs
   * to this process alone while it is open. None unless given, and then others may open it too.
   */
  readonly graphMemory?: number;
}

/** Opens a database file, made if it is not there, or `:memory:`. Refuses a file that is not ours. */
export async function open(path: string, options: OpenOptions = {}): Promise<Pemba> {
  const { graphMemory = 0, ...bounds } = options;
  if (!Number.isSafeInteger(graphMemory) || graphMemory < 0) {
    throw new Refusal('validation_error', '`graphMemory` is a number of bytes, or 0 for none');
  }
  refuseUnfit(bounds);
  const datastore = await openSqlite({ path, clock: systemClock, graphBytesMax: graphMemory });
  return new Pemba(datastore, bounds);
}

function refuseUnfit({ checkDepthMax, checkStepsMax }: CheckBounds): void {
  for (const [name, bound] of Object.entries({ checkDepthMax, checkStepsMax })) {
    if (bound === undefined || (Number.isSafeInteger(bound) && bound > 0)) continue;
    throw new Refusal('validation_error', `\`${name}\` is a whole number, 1 or more`);
  }
}

export class Pemba {
  readonly #datastore: Datastore;
  readonly #door: Door;

  /** Use `open`. */
  constructor(datastore: Datastore, bounds: CheckBounds = {}) {
    this.#datastore = datastore;
    this.#door = new Door(datastore, systemClock, bounds);
  }

  /** The name has 3 to 64 characters: letters, digits, blanks and `.-/^_&@`. */
  async createStore(name: string, options: CallOptions = {}): Promise<Store> {
    const request = this.#door.message(CreateStoreRequestSchema, { name });
    const handle = createCreateStore(this.#door.service);
    return this.store((await handle(request, this.#door.call('createStore', options))).id);
  }

  /** The store of this id. It need not have been created: it begins with the first write. */
  store(id: string): Store {
    return new Store(storeIdOf(id), this.#door);
  }

  /** Nothing of the store can be read any more. To delete one that is not there is no error. */
  async deleteStore(id: string): Promise<void> {
    await this.#datastore.deleteStore(storeIdOf(id));
  }

  /** Finishes what was accepted, then lets go of the file. */
  async close(): Promise<void> {
    await this.#datastore.close();
  }
}

function storeIdOf(id: string): StoreId {
  if (isStoreId(id)) return id;
  const message = `\`${id}\` is no store id: a ULID in upper case is wanted`;
  throw new Refusal('validation_error', message);
}
