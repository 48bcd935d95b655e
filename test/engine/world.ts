/** A small world for the engine's tests: a model in the DSL and tuples as text, kept in SQLite. */
import syntax from '@openfga/syntax-transformer';
import { assert } from '../../src/base/assert.ts';
import { systemClock } from '../../src/base/clock.ts';
import { type ErrorCode, Refusal } from '../../src/base/errors.ts';
import type { JsonObject } from '../../src/base/json.ts';
import { createWalk } from '../../src/engine/check.ts';
import { expand } from '../../src/engine/expand.ts';
import type { Row } from '../../src/engine/findings.ts';
import { listObjects } from '../../src/engine/list-objects.ts';
import { listSubjects } from '../../src/engine/list-subjects.ts';
import { objectsOf } from '../../src/engine/objects-of.ts';
import type { Scope } from '../../src/engine/scope.ts';
import { subjectsOf } from '../../src/engine/subjects-of.ts';
import type { TreeNode } from '../../src/engine/tree.ts';
import { refusalOf, type Verdict } from '../../src/engine/verdict.ts';
import { compile, namesOf } from '../../src/model/compile.ts';
import type { CompiledModel } from '../../src/model/compiled.ts';
import { isModelId, isStoreId, type ModelId, type StoreId } from '../../src/model/ids.ts';
import type { Model } from '../../src/model/model.ts';
import { parseModel } from '../../src/model/parse.ts';
import {
  formatObject,
  formatSubject,
  type ObjectRef,
  parseObject,
  parseSubject,
  type SubjectRef,
  type Tuple,
  type TupleCondition,
} from '../../src/model/tuple.ts';
import type { Datastore } from '../../src/storage/datastore.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import type { TupleReader } from '../../src/storage/tuple-reader.ts';

/** `object#relation@subject`, alone or with the condition that guards it ('': none) and its expiry. */
export type TupleText =
  | string
  | readonly [tuple: string, condition: string, context?: JsonObject, expiresAt?: number];

export interface Question {
  readonly contextual?: readonly TupleText[];
  readonly context?: JsonObject;
  /** Long ago unless given. */
  readonly now?: number;
  readonly depthMax?: number;
  readonly stepsMax?: number;
  readonly sliceSteps?: number;
}

export type Answer = 'allowed' | 'denied' | ErrorCode;

export class World {
  private readonly datastore: Datastore;
  private readonly store: StoreId;
  private model: Model;
  private models = 0;

  private constructor(datastore: Datastore, store: StoreId, model: Model) {
    this.datastore = datastore;
    this.store = store;
    this.model = model;
  }

  /** A store in a datastore of its own, which `close` ends. */
  static async open(model: string | Model, tuples: readonly TupleText[] = []): Promise<World> {
    const datastore = await openSqlite({ path: ':memory:', clock: systemClock });
    return await World.add(datastore, { number: 0, model, tuples });
  }

  /** One more store in a datastore that several worlds share. */
  static async add(
    datastore: Datastore,
    store: { number: number; model: string | Model; tuples: readonly TupleText[] },
  ): Promise<World> {
    const model = typeof store.model === 'string' ? modelOf(store.model) : store.model;
    const world = new World(datastore, storeIdOf(store.number), model);
    await world.useModel(model);
    await world.write(store.tuples);
    return world;
  }

  /** Another model over the same tuples: some of them may not be allowed any more. */
  async useModel(model: string | Model): Promise<void> {
    this.model = typeof model === 'string' ? modelOf(model) : model;
    await this.datastore.writeModel(this.store, {
      id: modelIdOf(++this.models),
      schemaVersion: '1.1',
      definition: '{}',
      names: namesOf(this.model),
    });
  }

  async write(tuples: readonly TupleText[]): Promise<void> {
    for (let i = 0; i < tuples.length; i += 1_000) {
      await this.datastore.write(this.store, {
        deletes: [],
        writes: tuples.slice(i, i + 1_000).map(tupleOf),
        onDuplicate: 'error',
        onMissing: 'error',
      });
    }
  }

  view<Result>(read: (reader: TupleReader, model: CompiledModel) => Result): Result {
    return this.datastore.local.view(this.store, (snapshot) =>
      read(
        snapshot,
        compile(this.model, (name) => snapshot.symbol(name)),
      ),
    );
  }

  verdict(check: string, question: Question = {}): Verdict {
    const { object, relation, subject } = tupleOf(check);
    const { contextual, context, ...limits } = question;
    return this.view((reader, model) =>
      createWalk(reader, model, {
        subject,
        contextualTuples: (contextual ?? []).map(tupleOf),
        context: context ?? {},
        now: 0,
        ...limits,
      }).check(object, relation),
    );
  }

  /** Answers `object#relation@subject`. */
  check(check: string, question: Question = {}): Answer {
    return answerOf(this.verdict(check, question));
  }

  /** Lists the objects of `${user} ${relation} ${type}`, in the order in which they come. */
  listObjects(list: string, question: Question = {}): readonly string[] | ErrorCode {
    const [subject = '', relation = '', type = ''] = list.split(' ');
    const { contextual, context, ...limits } = question;
    return this.list((reader, model) =>
      listObjects(reader, model, {
        type,
        relation,
        subject: subjectOf(subject),
        contextualTuples: (contextual ?? []).map(tupleOf),
        context: context ?? {},
        now: 0,
        ...limits,
      }),
    );
  }

  /** Lists the subjects of `object#relation@kind`; a kind is a type, or `type#relation`. */
  listSubjects(list: string, question: Question = {}): readonly string[] | ErrorCode {
    const [userset = '', kind = ''] = list.split('@');
    const [type = '', kindRelation = ''] = kind.split('#');
    const { contextual, context, ...limits } = question;
    const listed = this.list((reader, model) =>
      listSubjects(reader, model, {
        ...usersetOf(userset),
        subject: { type, relation: kindRelation },
        contextualTuples: (contextual ?? []).map(tupleOf),
        context: context ?? {},
        now: 0,
        ...limits,
      }),
    );
    return typeof listed === 'string' ? listed : listed.map((subject) => formatSubject(subject));
  }

  /** The rows of the exact list of a subject, as `type:id relation … ?unanswered`. */
  objectsOf(subject: string, question: Question & { readonly scope?: Scope } = {}): string[] {
    const { contextual, context, scope, ...limits } = question;
    return this.view((reader, model) => {
      const rows = whole(
        objectsOf(reader, model, {
          subject: subjectOf(subject),
          relations: model.relations.map(({ index }) => index),
          scope,
          contextualTuples: (contextual ?? []).map(tupleOf),
          context: context ?? {},
          now: 0,
          ...limits,
        }),
      );
      return rows.map((row) => rowText(formatObject(row.object), row));
    });
  }

  /** The rows of the exact list of an object: all subjects of all kinds, and whom they except. */
  subjectsOf(text: string, question: Question & { readonly relations?: string[] } = {}): string[] {
    const { contextual, context, relations, ...limits } = question;
    const object = parseObject(text);
    assert(object !== undefined, `\`${text}\` is no object`);
    return this.view((reader, model) => {
      const own = model.relations.filter(({ typeName }) => typeName === object.type);
      const kinds = [...model.model.types.values()].flatMap((type) =>
        ['', ...type.relations.keys()].map((relation) => ({ type: type.name, relation })),
      );
      const rows = whole(
        subjectsOf(reader, model, {
          object,
          relations: own
            .filter(({ name }) => relations?.includes(name) ?? true)
            .map(({ index }) => index),
          kinds,
          contextualTuples: (contextual ?? []).map(tupleOf),
          context: context ?? {},
          now: 0,
          ...limits,
        }),
      );
      return rows.map(({ subject, except, ...row }) =>
        [rowText(formatSubject(subject), row), ...except.map((id) => `-${id}`)].join(' '),
      );
    });
  }

  private list<Item>(
    read: (reader: TupleReader, model: CompiledModel) => Iterable<readonly Item[]>,
  ): readonly Item[] | ErrorCode {
    try {
      return this.view((reader, model) => [...read(reader, model)].flat());
    } catch (error) {
      if (error instanceof Refusal) return error.code;
      throw error;
    }
  }

  expand(userset: string, contextual: readonly TupleText[] = [], now = 0): TreeNode {
    const { object, relation } = usersetOf(userset);
    const contextualTuples = contextual.map(tupleOf);
    return this.view((reader, model) =>
      expand(reader, model, { object, relation, contextualTuples, now }),
    );
  }

  async close(): Promise<void> {
    await this.datastore.close();
  }
}

function rowText(name: string, { relations, unanswered }: Row): string {
  return [name, ...relations, ...unanswered.map(({ relation }) => `?${relation}`)].join(' ');
}

/** A list without its pauses. */
export function whole<Result>(list: Generator<undefined, Result, void>): Result {
  for (;;) {
    const next = list.next();
    if (next.done === true) return next.value;
  }
}

export function storeIdOf(number: number): StoreId {
  const text = String(number).padStart(26, '0');
  assert(isStoreId(text), 'digits make an id');
  return text;
}

export function modelIdOf(number: number): ModelId {
  const text = String(number).padStart(26, '0');
  assert(isModelId(text), 'digits make an id');
  return text;
}

export function answerOf(verdict: Verdict): Answer {
  if (verdict.kind === 'allowed' || verdict.kind === 'denied') return verdict.kind;
  return refusalOf(verdict).code;
}

export function messageOf(verdict: Verdict): string {
  assert(verdict.kind === 'unknown' || verdict.kind === 'failed', 'the check ended in an error');
  const refusal = refusalOf(verdict);
  assert(refusal instanceof Refusal, 'errors of a check are refusals');
  return refusal.message;
}

export function modelOf(dsl: string): Model {
  return parseModel(syntax.transformer.transformDSLToJSONObject(`model\n  schema 1.1\n${dsl}`));
}

export function tupleOf(text: TupleText): Tuple {
  const [key, name = '', context, expiresAt] = typeof text === 'string' ? [text] : text;
  const at = key.indexOf('@');
  const { object, relation } = usersetOf(key.slice(0, at));
  const condition: TupleCondition | undefined =
    name === '' ? undefined : { name, context: context ?? {} };
  const subject = subjectOf(key.slice(at + 1));
  return { object, relation, subject, condition, expiresAt };
}

export function subjectOf(text: string): SubjectRef {
  const subject = parseSubject(text);
  assert(subject !== undefined, `\`${text}\` is no subject`);
  return subject;
}

export function usersetOf(text: string): { object: ObjectRef; relation: string } {
  const hash = text.indexOf('#');
  const object = parseObject(text.slice(0, hash));
  assert(object !== undefined, `\`${text}\` is no userset`);
  return { object, relation: text.slice(hash + 1) };
}
