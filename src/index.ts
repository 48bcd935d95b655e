/**
 * Pemba in a program of your own: the same datastore and engine as the server's, without the wire.
 * A check is synchronous and answers at the newest revision.
 */
import { monotonicFactory } from 'ulid';
import { systemClock } from './base/clock.ts';
import { Refusal } from './base/errors.ts';
import type { JsonObject } from './base/json.ts';
import { createWalk } from './engine/check.ts';
import type { Verdict } from './engine/verdict.ts';
import { namesOf } from './model/compile.ts';
import type { CompiledModel } from './model/compiled.ts';
import { modelFromDsl } from './model/dsl.ts';
import { isStoreId, type ModelId, type StoreId } from './model/ids.ts';
import { parseModel } from './model/parse.ts';
import {
  formatTuple,
  type ObjectRef,
  parseObject,
  parseSubject,
  type SubjectRef,
  type Tuple,
} from './model/tuple.ts';
import { requireValid } from './model/validate.ts';
import { faultOfTuple } from './model/validate-tuple.ts';
import { ModelCache } from './service/model-cache.ts';
import type { Datastore, Revision } from './storage/datastore.ts';
import { openSqlite } from './storage/sqlite/open.ts';

export type { JsonObject, JsonValue } from './base/json.ts';
export type { Verdict } from './engine/verdict.ts';
export { Refusal };

/** A tuple as texts: `document:1`, `viewer`, `user:anne` (or `group:eng#member`, or `user:*`). */
export interface TupleText {
  readonly object: string;
  readonly relation: string;
  readonly subject: string;
  readonly condition?: { readonly name: string; readonly context?: JsonObject };
}

export interface Question {
  readonly object: string;
  readonly relation: string;
  readonly subject: string;
  /** Tuples that exist for this check alone. */
  readonly contextualTuples?: readonly TupleText[];
  /** Values for the parameters of conditions. */
  readonly context?: JsonObject;
}

/** Opens a database file, made if it is not there, or `:memory:`. Refuses a file that is not ours. */
export async function open(path: string): Promise<Pemba> {
  return new Pemba(await openSqlite({ path, clock: systemClock }));
}

export class Pemba {
  readonly #datastore: Datastore;
  readonly #models = new ModelCache();
  readonly #newId = monotonicFactory();

  /** Use `open`. */
  constructor(datastore: Datastore) {
    this.#datastore = datastore;
  }

  async createStore(name: string): Promise<Store> {
    const { id } = await this.#datastore.createStore({ id: this.#newId() as StoreId, name });
    return this.store(id);
  }

  /** The store of this id. It need not have been created: it begins with the first write. */
  store(id: string): Store {
    if (!isStoreId(id)) throw invalid(`\`${id}\` is no store id: a ULID in upper case is wanted`);
    return new Store(id, this.#datastore, this.#models, this.#newId);
  }

  async close(): Promise<void> {
    await this.#datastore.close();
  }
}

export class Store {
  readonly id: string;
  readonly #id: StoreId;
  readonly #datastore: Datastore;
  readonly #models: ModelCache;
  readonly #newId: () => string;

  /** Use `Pemba.createStore` or `Pemba.store`. */
  constructor(id: StoreId, datastore: Datastore, models: ModelCache, newId: () => string) {
    this.id = id;
    this.#id = id;
    this.#datastore = datastore;
    this.#models = models;
    this.#newId = newId;
  }

  /** Writes a model, as DSL text or in JSON form, and makes it the store's latest. Returns its id. */
  async writeModel(model: string | JsonObject): Promise<string> {
    const definition = typeof model === 'string' ? await modelFromDsl(model) : model;
    const parsed = parseModel(definition);
    requireValid(parsed);
    const id = this.#newId() as ModelId;
    await this.#datastore.writeModel(this.#id, {
      id,
      schemaVersion: parsed.schemaVersion,
      definition: JSON.stringify(definition),
      names: namesOf(parsed),
    });
    return id;
  }

  /**
   * Deletes, then writes, all or nothing, durably. A tuple that exists already and one to delete
   * that does not are refused. Returns the store's revision.
   */
  async write(change: {
    readonly writes?: readonly TupleText[];
    readonly deletes?: readonly TupleText[];
  }): Promise<Revision> {
    const { writes = [], deletes = [] } = change;
    const model = this.#datastore.local.view(
      this.#id,
      (snapshot) => this.#models.resolve(this.#id, snapshot, '').model,
    );
    const write = {
      writes: writes.map((text) => validTuple(model, text, 'write')),
      deletes: deletes.map(readTuple),
      onDuplicate: 'error',
      onMissing: 'error',
    } as const;
    const keys = new Set([...write.writes, ...write.deletes].map((tuple) => formatKey(tuple)));
    if (keys.size < writes.length + deletes.length) {
      throw invalid('a tuple occurs twice in one write; name it once');
    }
    return (await this.#datastore.write(this.#id, write)).revision;
  }

  /** `unknown` names the parameters that the conditions lack; `failed` carries the refusal. */
  check(question: Question): Verdict {
    const { object, subject } = readEnds(question);
    return this.#datastore.local.view(this.#id, (snapshot) => {
      const { model } = this.#models.resolve(this.#id, snapshot, '');
      for (const [type, relation] of [
        [object.type, question.relation],
        [subject.type, subject.relation],
      ] as const) {
        if (!model.model.types.has(type)) throw invalid(`the model has no type \`${type}\``);
        if (relation !== '' && model.relationIndex(type, relation) === -1) {
          throw invalid(`the type \`${type}\` has no relation \`${relation}\``);
        }
      }
      const contextualTuples = (question.contextualTuples ?? []).map((text) =>
        validTuple(model, text, 'contextual'),
      );
      const walk = createWalk(snapshot, model, {
        now: systemClock.now(),
        subject,
        contextualTuples,
        context: question.context ?? {},
      });
      return walk.check(object, question.relation);
    });
  }
}

function validTuple(model: CompiledModel, text: TupleText, use: 'write' | 'contextual'): Tuple {
  const tuple = readTuple(text);
  const fault = faultOfTuple(model, tuple, use);
  if (fault !== undefined) throw invalid(`tuple \`${formatTuple(tuple)}\`: ${fault.reason}`);
  return tuple;
}

function readTuple(text: TupleText): Tuple {
  const { name, context = {} } = text.condition ?? {};
  return {
    ...readEnds(text),
    relation: text.relation,
    condition: name === undefined ? undefined : { name, context },
  };
}

function readEnds(text: { readonly object: string; readonly subject: string }): {
  readonly object: ObjectRef;
  readonly subject: SubjectRef;
} {
  const object = parseObject(text.object);
  if (object === undefined) throw invalid(`\`${text.object}\` is no object: \`type:id\` is wanted`);
  const subject = parseSubject(text.subject);
  if (subject === undefined) {
    throw invalid(
      `\`${text.subject}\` is no subject: \`type:id\`, \`type:id#relation\` or \`type:*\` is wanted`,
    );
  }
  return { object, subject };
}

function formatKey(tuple: Tuple): string {
  return formatTuple({ ...tuple, condition: undefined });
}

function invalid(message: string): Refusal {
  return new Refusal('validation_error', message);
}
