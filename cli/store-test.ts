/**
 * Runs the tests of store files in process: model, tuples, checks and lists against the same service that
 * the server serves, over SQLite in memory. Every test gets a store of its own.
 */
import { systemClock } from '../src/base/clock.ts';
import { Refusal } from '../src/base/errors.ts';
import { canonicalJson, type JsonObject } from '../src/base/json.ts';
import { limits } from '../src/base/limits.ts';
import { createJsonCall, type JsonCall } from '../src/service/json-call.ts';
import { createMethods } from '../src/service/router.ts';
import { openSqlite } from '../src/storage/sqlite/open.ts';
import { Failure } from './exit-codes.ts';
import {
  readStoreFile,
  type StoreCheck,
  type StoreFile,
  type StoreList,
  type StoreTest,
} from './files/store-file.ts';
import { pembaTupleOf, userText, type WireModel, type WireTuple, type WireUser } from './wire.ts';

export interface CheckResult extends StoreCheck {
  /** Undefined where the check could not be answered; `error` says why. */
  readonly got: boolean | undefined;
  readonly error: string | undefined;
  readonly passed: boolean;
}

export interface ListResult extends StoreList {
  /** Undefined where the list could not be made; `error` says why. */
  readonly got: readonly string[] | undefined;
  readonly error: string | undefined;
  readonly passed: boolean;
}

export interface TestResult {
  readonly file: string;
  readonly name: string;
  readonly description: string;
  readonly checks: readonly CheckResult[];
  /** Why nothing of the test could be asked; undefined where it was. */
  readonly error: string | undefined;
  readonly lists: readonly ListResult[];
  readonly passed: boolean;
}

/** REQUIRES: the store file has a model. ENSURES: one result a test, in the order of the file. */
export async function runStoreFile(
  file: string,
  options: { allowExternalFiles: boolean; warn?: (warning: string) => void },
): Promise<readonly TestResult[]> {
  const store = await readStoreFile(file, options);
  for (const warning of store.warnings) options.warn?.(warning);
  const { model } = store;
  if (model === undefined) {
    throw new Failure('input', `${file}: has neither \`model\` nor \`model_file\``);
  }
  await using datastore = await openDatastore();
  const methods = createMethods({ datastore: datastore.datastore, clock: systemClock });
  const call = createJsonCall(methods, systemClock);
  const results: TestResult[] = [];
  for (const test of store.tests) results.push(await runTest(call, store, model, test));
  return results;
}

async function openDatastore() {
  const datastore = await openSqlite({ path: ':memory:', clock: systemClock });
  return { datastore, [Symbol.asyncDispose]: () => datastore.close() };
}

async function runTest(
  call: JsonCall,
  store: StoreFile,
  model: WireModel,
  test: StoreTest,
): Promise<TestResult> {
  const checks: CheckResult[] = [];
  const lists: ListResult[] = [];
  let error: string | undefined;
  try {
    const { id } = (await call('CreateStore', { name: 'test' })) as { id: string };
    await call('WriteAuthorizationModel', { ...(model as object), store_id: id });
    await writeTuples(call, id, distinct(store.tuples, test.tuples));
    for (const check of test.checks) checks.push(await runCheck(call, id, check));
    for (const list of test.lists) lists.push(await runList(call, id, list));
  } catch (cause) {
    error = reasonOf(cause);
    const unanswered = { got: undefined, error, passed: false };
    checks.push(...test.checks.map((check) => ({ ...check, ...unanswered })));
    lists.push(...test.lists.map((list) => ({ ...list, ...unanswered })));
  }
  return {
    file: store.file,
    name: test.name,
    description: test.description,
    checks,
    error,
    lists,
    passed: error === undefined && [...checks, ...lists].every((result) => result.passed),
  };
}

async function runCheck(call: JsonCall, store: string, check: StoreCheck): Promise<CheckResult> {
  const { user, relation, object, context, expected } = check;
  const request = {
    store_id: store,
    tuple_key: { user, relation, object },
    ...(context === undefined ? {} : { context }),
  };
  try {
    const { allowed } = (await call('Check', request)) as { allowed: boolean };
    return { ...check, got: allowed, error: undefined, passed: allowed === expected };
  } catch (cause) {
    return { ...check, got: undefined, error: reasonOf(cause), passed: false };
  }
}

async function runList(call: JsonCall, store: string, list: StoreList): Promise<ListResult> {
  const request = { ...list.request, store_id: store };
  try {
    const got =
      list.kind === 'ListObjects'
        ? ((await call('ListObjects', request)) as { objects: string[] }).objects
        : ((await call('ListUsers', request)) as unknown as { users: WireUser[] }).users.map(
            userText,
          );
    const passed = canonicalJson(got.toSorted()) === canonicalJson(list.expected.toSorted());
    return { ...list, got, error: undefined, passed };
  } catch (cause) {
    return { ...list, got: undefined, error: reasonOf(cause), passed: false };
  }
}

async function writeTuples(
  call: JsonCall,
  store: string,
  tuples: readonly WireTuple[],
): Promise<void> {
  for (let at = 0; at < tuples.length; at += limits.tuplesPerWriteMax) {
    // The wire's Write would pass over an expiry.
    const writes = tuples.slice(at, at + limits.tuplesPerWriteMax).map(pembaTupleOf);
    await call('WriteTuples', { store_id: store, writes } as unknown as JsonObject);
  }
}

/** A test may repeat a tuple of the whole file; two that differ in their condition are a fault. */
function distinct(...lists: readonly (readonly WireTuple[])[]): readonly WireTuple[] {
  const byText = new Map<string, WireTuple>();
  for (const tuple of lists.flat())
    byText.set(canonicalJson(tuple as unknown as JsonObject), tuple);
  return [...byText.values()];
}

/** What the service refuses is the file's fault; anything else is a bug and goes up. */
function reasonOf(error: unknown): string {
  if (error instanceof Refusal) return `${error.code}: ${error.message}`;
  throw error;
}
