/**
 * Who may do what: the roles of principals as tuples in the server's own store, and the decisions
 * that the same engine makes of them as of any others. What nobody granted is denied.
 */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../base/clock.ts';
import { Refusal } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { createWalk } from '../../engine/check.ts';
import { isAllowed } from '../../engine/verdict.ts';
import { isStoreId, type ModelId, type StoreId, systemStoreId } from '../../model/ids.ts';
import type { ObjectRef, SubjectRef, Tuple } from '../../model/tuple.ts';
import type {
  Datastore,
  Page,
  Revision,
  Snapshot,
  TupleFilter,
  TupleWrite,
} from '../../storage/datastore.ts';
import { ModelCache } from '../model-cache.ts';
import { isRole, type Permission, type Role } from './roles.ts';
import { principalType, storeType, system, systemModel, systemModelNames } from './system-model.ts';

/** Who asks: a principal, and the roles that it brings with the scopes of its token. */
export interface Caller {
  readonly principal: SubjectRef;
  readonly brought: readonly Tuple[];
  /** Equal for callers that are allowed the same, by the same tuples. */
  readonly key: string;
}

export interface Grant {
  readonly principal: string;
  readonly role: Role;
}

interface Options {
  readonly datastore: Datastore;
  readonly clock: Clock;
  readonly newId: () => ModelId;
}

export class Access {
  readonly #datastore: Datastore;
  readonly #clock: Clock;
  readonly #newId: () => ModelId;
  readonly #models = new ModelCache();
  /** Exact: of the revision at which the system store is. */
  readonly #decisions = new LRUCache<string, boolean>({ max: limits.accessDecisionsMax });
  #decidedAt: Revision = 0;

  constructor({ datastore, clock, newId }: Options) {
    this.#datastore = datastore;
    this.#clock = clock;
    this.#newId = newId;
  }

  /** Writes the model of the roles where it is not there yet, or is an older one. */
  async prepare(): Promise<void> {
    const definition = JSON.stringify(systemModel);
    const last = this.#datastore.local.view(systemStoreId, (snapshot) => {
      const id = snapshot.latestModelId();
      return id && snapshot.model(id)?.definition;
    });
    if (last === definition) return;
    await this.#datastore.writeModel(systemStoreId, {
      id: this.#newId(),
      schemaVersion: systemModel.schema_version,
      definition,
      names: systemModelNames,
    });
  }

  /**
   * `store` '' asks for all stores. At once: it is asked before each request. REQUIRES: `create` is
   * asked for all.
   */
  permits(caller: Caller, permission: Permission, store: string): boolean {
    // What is no id is nobody's store; it is kept out of the key, of which it could be a long part.
    const known = isStoreId(store) ? store : '';
    const key = `${permission} ${known} ${caller.key}`;
    return this.#datastore.local.view(systemStoreId, (snapshot) => {
      if (snapshot.revision !== this.#decidedAt) this.#decisions.clear();
      this.#decidedAt = snapshot.revision;
      let decision = this.#decisions.get(key);
      if (decision === undefined) {
        decision = this.#decide(snapshot, caller, permission, known);
        this.#decisions.set(key, decision);
      }
      return decision;
    });
  }

  /** Ids of the stores of which the caller may see that they are there; undefined for all. */
  async visibleStores(caller: Caller): Promise<ReadonlySet<string> | undefined> {
    if (this.permits(caller, 'see', '')) return undefined;
    const brought = caller.brought.map(({ object }) => object);
    const stored: ObjectRef[] = [];
    const filter = { objectType: storeType, subject: caller.principal };
    for await (const { object } of this.#tuples(filter)) stored.push(object);
    const stores = new Set([...brought, ...stored].map(({ id }) => id));
    return new Set([...stores].filter((store) => this.permits(caller, 'see', store)));
  }

  /** `store` '' for all stores. REQUIRES: the role is one that can be had there. */
  async grant(principal: string, role: Role, store: StoreId | ''): Promise<void> {
    await this.prepare();
    await this.#datastore.write(systemStoreId, {
      deletes: [],
      writes: [roleTuple(principal, role, store)],
      onDuplicate: 'ignore',
      onMissing: 'ignore',
    });
  }

  /** Refuses to take the role from the last admin of all stores: nobody could give it again. */
  async revoke(principal: string, role: Role, store: StoreId | ''): Promise<void> {
    const deletes = [roleTuple(principal, role, store)];
    const rest = { writes: [], onDuplicate: 'ignore', onMissing: 'ignore' } as const;
    if (store !== '' || role !== 'admin') {
      await this.#datastore.write(systemStoreId, { ...rest, deletes });
      return;
    }
    const filter = { objectType: system.type, objectId: system.id, relation: role };
    // Of two last admins each may be taking the other's role, perhaps in another thread: the write
    // holds only if the one that is to stay is still there, else all is looked at anew.
    for (let isDone = false; !isDone; ) {
      const admins: SubjectRef[] = [];
      for await (const { subject } of this.#tuples(filter)) admins.push(subject);
      if (!admins.some(({ id }) => id === principal)) return;
      const subject = admins.find(({ id }) => id !== principal);
      if (subject === undefined) {
        throw new Refusal(
          'failed_precondition',
          'this is the last admin of all stores; make another one first',
        );
      }
      const preconditions = [{ filter: { ...filter, subject }, must: 'exist' }] as const;
      isDone = await this.#holds({ ...rest, deletes, preconditions });
    }
  }

  /** False where a precondition of the write does not hold. */
  async #holds(write: TupleWrite): Promise<boolean> {
    try {
      await this.#datastore.write(systemStoreId, write);
      return true;
    } catch (error) {
      if (error instanceof Refusal && error.code === 'failed_precondition') return false;
      throw error;
    }
  }

  async grants(
    store: StoreId | '',
    page: { readonly pageSize: number; readonly cursor: string },
  ): Promise<{ readonly grants: readonly Grant[]; readonly cursor: string }> {
    const { type, id } = objectFor(store);
    const filter = { objectType: type, objectId: id };
    const { rows, cursor } = await this.#datastore.readTuples(systemStoreId, filter, page);
    const grants = rows.flatMap(({ tuple: { relation, subject } }) =>
      isRole(relation) ? [{ principal: subject.id, role: relation }] : [],
    );
    return { grants, cursor };
  }

  /** Takes all roles on the store from everybody. */
  async forget(store: StoreId): Promise<void> {
    const filter = { objectType: storeType, objectId: store };
    const limit = limits.deletedPerRoundDefault;
    let cursor = '';
    do {
      ({ cursor } = await this.#datastore.deleteTuples(systemStoreId, { filter, limit, cursor }));
    } while (cursor !== '');
  }

  /** Makes the first admin of all stores. False where there has been one: it works once. */
  async bootstrap(principal: string): Promise<boolean> {
    await this.prepare();
    const mark: Tuple = { ...roleTuple(principal, 'admin', ''), relation: 'bootstrapped' };
    const filter = { objectType: system.type, objectId: system.id, relation: mark.relation };
    return await this.#holds({
      preconditions: [{ filter, must: 'not_exist' }],
      deletes: [],
      writes: [mark, roleTuple(principal, 'admin', '')],
      onDuplicate: 'ignore',
      onMissing: 'ignore',
    });
  }

  /** False on a server that nobody can be let in to yet. */
  async isBootstrapped(): Promise<boolean> {
    const filter = { objectType: system.type, objectId: system.id, relation: 'bootstrapped' };
    return !(await this.#tuples(filter).next()).done;
  }

  #decide(snapshot: Snapshot, caller: Caller, permission: Permission, store: string): boolean {
    if (snapshot.latestModelId() === undefined) return false;
    const { model } = this.#models.resolve(systemStoreId, snapshot, '');
    const walk = createWalk(snapshot, model, {
      subject: caller.principal,
      contextualTuples: caller.brought,
      context: {},
      now: this.#clock.now(),
    });
    if (store !== '' && isAllowed(walk.check({ type: storeType, id: store }, permission))) {
      return true;
    }
    return isAllowed(walk.check(system, permission));
  }

  async *#tuples(filter: TupleFilter): AsyncGenerator<Tuple, void> {
    const pageSize = limits.tuplePageSizeMax;
    let page: Page<{ readonly tuple: Tuple }> | undefined;
    do {
      const cursor = page?.cursor ?? '';
      page = await this.#datastore.readTuples(systemStoreId, filter, { pageSize, cursor });
      for (const { tuple } of page.rows) yield tuple;
    } while (page.cursor !== '');
  }
}

function objectFor(store: StoreId | ''): ObjectRef {
  return store === '' ? system : { type: storeType, id: store };
}

/** `store` '' for all stores. */
export function roleTuple(principal: string, role: Role, store: StoreId | ''): Tuple {
  return {
    object: objectFor(store),
    relation: role,
    subject: { type: principalType, id: principal, relation: '' },
    condition: undefined,
  };
}
