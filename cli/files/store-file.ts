/**
 * Store files (`.fga.yaml`): a model, tuples and tests in one file or in files that it names. Every
 * fault comes with its line; a key that we do not know is passed over with a warning.
 */
import { basename } from 'node:path';
import { isJsonObject, type JsonObject } from '../../src/base/json.ts';
import { parseObject } from '../../src/model/tuple.ts';
import type { WireModel, WireTuple } from '../wire.ts';
import { inputFailure, readText } from './lines.ts';
import { folderOf, resolveReference, type Within } from './references.ts';
import { readTuples, tupleFormatOf } from './tuple-file.ts';
import { toEntry } from './tuple-shape.ts';
import { parseYaml, type YamlFile } from './yaml.ts';

export interface StoreFile {
  readonly file: string;
  readonly name: string;
  /** Undefined where the file has none. */
  readonly model: WireModel | undefined;
  readonly tuples: readonly WireTuple[];
  readonly tests: readonly StoreTest[];
  readonly warnings: readonly string[];
}

export interface StoreTest {
  readonly name: string;
  readonly description: string;
  readonly tuples: readonly WireTuple[];
  readonly checks: readonly StoreCheck[];
  readonly lists: readonly StoreList[];
}

/** One question with its expected answer: `users` × `objects` × `assertions` are unfolded. */
export interface StoreCheck {
  readonly user: string;
  readonly relation: string;
  readonly object: string;
  readonly context: JsonObject | undefined;
  readonly expected: boolean;
}

/** One list with what it must hold, in any order. */
export interface StoreList {
  readonly kind: 'ListObjects' | 'ListUsers';
  /** As the API takes it, but for the store. */
  readonly request: JsonObject;
  /** The same in words, for people. */
  readonly text: string;
  readonly expected: readonly string[];
}

type Path = readonly (string | number)[];

const topKeys = ['name', 'model', 'model_file', 'tuples', 'tuple_file', 'tuple_files', 'tests'];
const testKeys = [
  'name',
  'description',
  'tuples',
  'tuple_file',
  'tuple_files',
  'check',
  'list_objects',
  'list_users',
];
const checkKeys = ['user', 'users', 'object', 'objects', 'context', 'assertions'];
const listObjectsKeys = ['user', 'type', 'context', 'assertions'];
const listUsersKeys = ['object', 'user_filter', 'context', 'assertions'];

export async function readStoreFile(
  file: string,
  options: { allowExternalFiles: boolean },
): Promise<StoreFile> {
  const yaml = parseYaml(file, await readText(file));
  const within = options.allowExternalFiles ? undefined : folderOf(file);
  const reader = new Reader(file, yaml, within);
  const top = reader.object([], yaml.value, topKeys);
  const model = await reader.model(top);
  const tuples = await reader.tuples([], top);
  const tests: StoreTest[] = [];
  for (const [index, test] of reader.list(['tests'], top.tests).entries()) {
    tests.push(await reader.test(['tests', index], test));
  }
  const name = reader.text(['name'], top.name) ?? basename(file).replace(/(\.fga)?\.ya?ml$/, '');
  return { file, name, model, tuples, tests, warnings: reader.warnings };
}

/** Reads the parts of one file; it exists to carry the file and its lines along. */
class Reader {
  readonly warnings: string[] = [];
  readonly #file: string;
  readonly #yaml: YamlFile;
  readonly #within: Within;

  constructor(file: string, yaml: YamlFile, within: Within) {
    this.#file = file;
    this.#yaml = yaml;
    this.#within = within;
  }

  async model(top: JsonObject): Promise<WireModel | undefined> {
    const text = this.text(['model'], top.model);
    const reference = this.text(['model_file'], top.model_file);
    if (text !== undefined) {
      if (reference !== undefined)
        this.fail(['model_file'], 'give `model` or `model_file`, not both');
      // The block's text begins on the line after its key.
      const { loadModelText } = await import('./model-file.ts');
      return await loadModelText(this.#file, text, this.#yaml.lineOf(['model']) + 1);
    }
    if (reference === undefined) return undefined;
    const path = resolveReference(this.#file, reference, this.#within);
    const { loadModel } = await import('./model-file.ts');
    return await loadModel(path, undefined, this.#within);
  }

  async tuples(path: Path, holder: JsonObject): Promise<WireTuple[]> {
    const tuples = this.list([...path, 'tuples'], holder.tuples).map((item, index) => {
      const entry = toEntry(this.#yaml.lineOf([...path, 'tuples', index]), item);
      if ('fault' in entry) throw inputFailure(this.#file, entry.line, entry.fault);
      return entry.tuple;
    });
    const one = this.text([...path, 'tuple_file'], holder.tuple_file);
    const many = this.list([...path, 'tuple_files'], holder.tuple_files).map(
      (item, index) =>
        this.text([...path, 'tuple_files', index], item) ??
        this.fail([...path, 'tuple_files', index], 'must name a file'),
    );
    for (const reference of one === undefined ? many : [one, ...many]) {
      const file = resolveReference(this.#file, reference, this.#within);
      for await (const { tuple } of readTuples(file, tupleFormatOf(file))) tuples.push(tuple);
    }
    return tuples;
  }

  async test(path: Path, value: unknown): Promise<StoreTest> {
    const fields = this.object(path, value, testKeys);
    return {
      name: this.text([...path, 'name'], fields.name) ?? `test ${Number(path.at(-1)) + 1}`,
      description: this.text([...path, 'description'], fields.description) ?? '',
      tuples: await this.tuples(path, fields),
      checks: this.list([...path, 'check'], fields.check).flatMap((check, index) =>
        this.checks([...path, 'check', index], check),
      ),
      lists: [
        ...this.list([...path, 'list_objects'], fields.list_objects).flatMap((list, index) =>
          this.listObjects([...path, 'list_objects', index], list),
        ),
        ...this.list([...path, 'list_users'], fields.list_users).flatMap((list, index) =>
          this.listUsers([...path, 'list_users', index], list),
        ),
      ],
    };
  }

  checks(path: Path, value: unknown): StoreCheck[] {
    const fields = this.object(path, value, checkKeys);
    const users = this.oneOrMany(path, fields, 'user', 'users');
    const objects = this.oneOrMany(path, fields, 'object', 'objects');
    const context = this.optionalObject([...path, 'context'], fields.context);
    const assertions = this.assertions([...path, 'assertions'], fields.assertions);
    return users.flatMap((user) =>
      objects.flatMap((object) =>
        Object.entries(assertions).map(([relation, expected]) => {
          if (typeof expected !== 'boolean') {
            this.fail([...path, 'assertions', relation], `\`${relation}\` must be true or false`);
          }
          return { user, relation, object, context, expected };
        }),
      ),
    );
  }

  oneOrMany(path: Path, fields: JsonObject, one: string, many: string): readonly string[] {
    const single = this.text([...path, one], fields[one]);
    const several = this.list([...path, many], fields[many]).map(
      (item, index) =>
        this.text([...path, many, index], item) ?? this.fail([...path, many, index], 'is empty'),
    );
    if (single !== undefined && several.length > 0) {
      this.fail([...path, one], `give \`${one}\` or \`${many}\`, not both`);
    }
    if (single === undefined && several.length === 0) {
      this.fail(path, `the check has no \`${one}\` and no \`${many}\``);
    }
    return single === undefined ? several : [single];
  }

  listObjects(path: Path, value: unknown): StoreList[] {
    const fields = this.object(path, value, listObjectsKeys);
    const user = this.required([...path, 'user'], fields.user);
    const type = this.required([...path, 'type'], fields.type);
    const context = this.optionalObject([...path, 'context'], fields.context);
    const at = [...path, 'assertions'];
    return Object.entries(this.assertions(at, fields.assertions)).map(([relation, objects]) => ({
      kind: 'ListObjects',
      request: { user, type, relation, ...(context === undefined ? {} : { context }) },
      text: `user=${user},relation=${relation},type=${type}${contextText(context)}`,
      expected: this.texts([...at, relation], objects),
    }));
  }

  listUsers(path: Path, value: unknown): StoreList[] {
    const fields = this.object(path, value, listUsersKeys);
    const text = this.required([...path, 'object'], fields.object);
    const object = parseObject(text) ?? this.fail([...path, 'object'], 'must be `type:id`');
    const filters = this.list([...path, 'user_filter'], fields.user_filter);
    if (filters.length !== 1) this.fail([...path, 'user_filter'], 'must hold exactly one kind');
    const filter = this.userFilter([...path, 'user_filter', 0], filters[0]);
    const context = this.optionalObject([...path, 'context'], fields.context);
    const at = [...path, 'assertions'];
    return Object.entries(this.assertions(at, fields.assertions)).map(([relation, item]) => {
      const { users } = this.object([...at, relation], item, ['users']);
      const kind =
        filter.relation === undefined ? filter.type : `${filter.type}#${filter.relation}`;
      return {
        kind: 'ListUsers',
        request: {
          object: { type: object.type, id: object.id },
          relation,
          user_filters: [filter],
          ...(context === undefined ? {} : { context }),
        },
        text: `object=${text},relation=${relation},user_filter=${kind}${contextText(context)}`,
        expected: this.texts([...at, relation, 'users'], users),
      };
    });
  }

  userFilter(path: Path, value: unknown): { type: string; relation?: string } {
    const fields = this.object(path, value, ['type', 'relation']);
    const type = this.required([...path, 'type'], fields.type);
    const relation = this.text([...path, 'relation'], fields.relation);
    return relation === undefined ? { type } : { type, relation };
  }

  assertions(path: Path, value: unknown): JsonObject {
    const assertions = this.optionalObject(path, value) ?? {};
    return Object.keys(assertions).length > 0 ? assertions : this.fail(path, 'asserts nothing');
  }

  object(path: Path, value: unknown, keys: readonly string[]): JsonObject {
    const fields = this.optionalObject(path, value) ?? this.fail(path, 'must be a map');
    for (const key of Object.keys(fields).filter((name) => !keys.includes(name))) {
      const line = this.#yaml.lineOf([...path, key]);
      this.warnings.push(`${this.#file}:${line}: the key \`${key}\` is unknown and does nothing`);
    }
    return fields;
  }

  optionalObject(path: Path, value: unknown): JsonObject | undefined {
    if (value === undefined || value === null) return undefined;
    return isJsonObject(value) ? value : this.fail(path, 'must be a map');
  }

  list(path: Path, value: unknown): readonly unknown[] {
    if (value === undefined || value === null) return [];
    return Array.isArray(value) ? value : this.fail(path, 'must be a list');
  }

  /** Null stands for the empty list. */
  texts(path: Path, value: unknown): readonly string[] {
    return this.list(path, value).map((item, index) => this.required([...path, index], item));
  }

  required(path: Path, value: unknown): string {
    return this.text(path, value) ?? this.fail(path, 'is missing');
  }

  text(path: Path, value: unknown): string | undefined {
    if (value === undefined || value === null || value === '') return undefined;
    return typeof value === 'string' ? value : this.fail(path, 'must be a text');
  }

  fail(path: Path, fault: string): never {
    const where = path.length === 0 ? 'the file' : `\`${path.join('.')}\``;
    throw inputFailure(this.#file, this.#yaml.lineOf(path), `${where}: ${fault}`);
  }
}

function contextText(context: JsonObject | undefined): string {
  return context === undefined ? '' : `,context=${JSON.stringify(context)}`;
}
