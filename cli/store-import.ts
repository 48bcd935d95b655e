/** `pemba store import`: a store file becomes a store: its model, its tuples, its checks as assertions. */
import type { Command } from 'commander';
import { limits } from '../src/base/limits.ts';
import { type Connection, connect, storeIdOfFlag } from './connection.ts';
import type { StoreFile, StoreTest } from './files/store-file.ts';
import { positiveInteger } from './option-values.ts';
import { note, print, printJson, warn } from './output.ts';
import { type BulkTotals, jsonOfTotals } from './tuple-report.ts';
import { requireAll, transfer } from './tuple-transfer.ts';
import type { WireAssertion, WireTuple } from './wire.ts';

interface ImportFlags {
  readonly file: string;
  readonly maxTuplesPerWrite: number;
  readonly maxParallelRequests: number;
  readonly allowExternalFiles?: boolean;
}

export function registerStoreImport(store: Command): void {
  const command = store
    .command('import')
    .description('create a store from a store file, or add one to the store of --store-id')
    .requiredOption('--file <file>', 'store file (.fga.yaml)')
    .option('--max-tuples-per-write <count>', 'tuples in one request', positiveInteger, 100)
    .option('--max-parallel-requests <count>', 'requests at once', positiveInteger, 4)
    .option('--allow-external-files', 'let the store file name files outside its folder')
    .addHelpText(
      'after',
      `
Examples:
  $ pemba store import --file store.fga.yaml
  $ pemba store import --file store.fga.yaml --store-id 01H0H015178Y2V4CX10C2KGHF4

A store is created unless --store-id names one on the command line; PEMBA_STORE_ID does not count
here. The first ${limits.assertionsMax} checks of its tests become assertions of the model.`,
    );
  command.action(async (flags: ImportFlags) => {
    const { readStoreFile } = await import('./files/store-file.ts');
    const allowExternalFiles = flags.allowExternalFiles === true;
    const file = await readStoreFile(flags.file, { allowExternalFiles });
    for (const warning of file.warnings) warn(warning);
    await importStore(command, file, flags);
  });
}

async function importStore(command: Command, file: StoreFile, flags: ImportFlags): Promise<void> {
  const connection = connect(command);
  const { client, json } = connection;
  const say = json ? note : print;
  const given = storeIdOfFlag(command);
  const store =
    given === undefined ? await client.createStore(file.name) : await client.readStore(given);
  say(`store ${store.id} (${store.name})${given === undefined ? ' created' : ''}`);

  let modelId: string | undefined;
  if (file.model !== undefined) {
    modelId = (await client.writeModel(store.id, file.model)).authorization_model_id;
    say(`model ${modelId} written`);
  }
  const totals = await importTuples({ ...connection, storeId: store.id, modelId }, file, flags);
  const assertions = modelId === undefined ? [] : assertionsOf(file.tests);
  if (modelId !== undefined && assertions.length > 0) {
    await client.writeAssertions(store.id, modelId, assertions);
    say(`${assertions.length} assertions written`);
  }
  if (json) {
    const model = modelId === undefined ? {} : { model: { authorization_model_id: modelId } };
    printJson({ store, ...model, tuples: jsonOfTotals(totals), assertions: assertions.length });
  } else note(`work on it: export PEMBA_STORE_ID=${store.id}`);
  requireAll(totals, 'write');
}

async function importTuples(
  connection: Connection,
  file: StoreFile,
  flags: ImportFlags,
): Promise<BulkTotals> {
  const { tuples } = file;
  if (tuples.length === 0) return { successful: 0, failed: [] };
  const source = { file: undefined, total: tuples.length, tuples: located(tuples) };
  return await transfer(connection, source, {
    operation: 'write',
    conflict: 'ignore',
    maxTuplesPerWrite: flags.maxTuplesPerWrite,
    maxParallelRequests: flags.maxParallelRequests,
    maxRps: undefined,
    skip: 0,
    resume: undefined,
    hideImportedTuples: true,
    form: connection.json ? 'none' : 'text',
  });
}

async function* located(tuples: readonly WireTuple[]) {
  for (const tuple of tuples) yield { line: 0, tuple };
}

/** The tuples of a test become contextual tuples of its assertions; too many of them leave it out. */
function assertionsOf(tests: readonly StoreTest[]): readonly WireAssertion[] {
  const assertions = tests.flatMap(assertionsOfTest);
  if (assertions.length > limits.assertionsMax) {
    const { length } = assertions;
    warn(`${length} checks, of which the first ${limits.assertionsMax} become assertions`);
  }
  return assertions.slice(0, limits.assertionsMax);
}

function assertionsOfTest(test: StoreTest): readonly WireAssertion[] {
  const { name, tuples } = test;
  if (tuples.length > limits.assertionContextualTuplesMax) {
    warn(
      `the test \`${name}\` has ${tuples.length} tuples of its own: no assertions are made of it`,
    );
    return [];
  }
  if (tuples.some((tuple) => tuple.expires_at !== undefined)) {
    warn(`the test \`${name}\` has tuples that expire: no assertions are made of it`);
    return [];
  }
  return test.checks.map(({ user, relation, object, expected, context }) => ({
    tuple_key: { user, relation, object },
    expectation: expected,
    ...(tuples.length === 0 ? {} : { contextual_tuples: tuples }),
    ...(context === undefined ? {} : { context }),
  }));
}
