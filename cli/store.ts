/** `pemba store`: create, list, read and delete stores, and carry whole stores in and out of files. */
import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import { confirm } from './confirm.ts';
import { connect, connectToStore } from './connection.ts';
import { Failure } from './exit-codes.ts';
import type { ModelFormat } from './files/model-file.ts';
import { wholeNumber } from './option-values.ts';
import { note, paint, print, printJson, printTable } from './output.ts';
import { registerStoreExport } from './store-export.ts';
import { registerStoreImport } from './store-import.ts';
import { pageSize, type WireStore } from './wire.ts';

export function registerStore(program: Command): void {
  const store = program.command('store').description('create, list, import and export stores');
  registerCreate(store);
  registerList(store);
  registerGet(store);
  registerDelete(store);
  registerStoreImport(store);
  registerStoreExport(store);
}

interface CreateFlags {
  readonly name?: string;
  readonly model?: string;
  readonly format?: ModelFormat;
}

function registerCreate(store: Command): void {
  const command = store
    .command('create')
    .description('create a store, with its first model if one is given')
    .option('--name <name>', 'name of the store (default: that of the model file)')
    .option('--model <file>', 'model to write into it: .fga, .json or fga.mod')
    .addOption(
      new Option('--format <format>', 'format of the model').choices(['fga', 'json', 'modular']),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ pemba store create --name docs
  $ pemba store create --name docs --model model.fga
  $ export PEMBA_STORE_ID=$(pemba store create --name docs --json | jq -r .id)`,
    );
  command.action(async (flags: CreateFlags) => {
    const name = flags.name ?? nameOfModel(flags.model);
    const { client, json } = connect(command);
    if (flags.model === undefined) {
      const created = await client.createStore(name);
      if (json) printJson(created);
      else printCreated(created, undefined);
      return;
    }
    // A model with a fault is found before there is a store without one.
    const { loadModel } = await import('./files/model-file.ts');
    const model = await loadModel(flags.model, flags.format);
    const created = await client.createStore(name);
    const written = await client.writeModel(created.id, model);
    if (json) printJson({ store: created, model: written });
    else printCreated(created, written.authorization_model_id);
  });
}

export function printCreated(store: WireStore, modelId: string | undefined): void {
  print(`store ${paint('bold', store.id)} (${store.name}) created`);
  if (modelId !== undefined) print(`model ${paint('bold', modelId)} written`);
  note(`work on it: export PEMBA_STORE_ID=${store.id}`);
}

function nameOfModel(file: string | undefined): string {
  if (file === undefined) throw new Failure('usage', 'name the store with --name');
  return basename(file).replace(/\.(fga|json|mod)$/, '');
}

function registerList(store: Command): void {
  const command = store
    .command('list')
    .description('list the stores')
    .option('--name <name>', 'only stores of exactly this name')
    .option('--max-pages <count>', `pages of ${pageSize} to read; 0 for all`, wholeNumber, 0)
    .addHelpText(
      'after',
      '\nExamples:\n  $ pemba store list\n  $ pemba store list --name docs --json',
    );
  command.action(async (flags: { name?: string; maxPages: number }) => {
    const { client, json } = connect(command);
    const stores: WireStore[] = [];
    for await (const found of client.stores(flags.name)) {
      if (stores.push(found) === flags.maxPages * pageSize) break;
    }
    if (json) printJson({ stores });
    else {
      const rows = stores.map(({ id, name, created_at }) => [id, name, created_at]);
      printTable(['ID', 'NAME', 'CREATED'], rows);
    }
  });
}

function registerGet(store: Command): void {
  const command = store
    .command('get')
    .description('print the store of --store-id')
    .addHelpText('after', '\nExample:\n  $ pemba store get --store-id 01H0H015178Y2V4CX10C2KGHF4');
  command.action(async () => {
    const { client, storeId, json } = connectToStore(command);
    const found = await client.readStore(storeId);
    if (json) printJson(found);
    else printTable(['ID', 'NAME', 'CREATED'], [[found.id, found.name, found.created_at]]);
  });
}

function registerDelete(store: Command): void {
  const command = store
    .command('delete')
    .description('delete the store of --store-id, with all that is in it')
    .option('--force', 'do not ask')
    .addHelpText(
      'after',
      '\nExample:\n  $ pemba store delete --store-id 01H0H015178Y2V4CX10C2KGHF4 --force',
    );
  command.action(async (flags: { force?: boolean }) => {
    const { client, storeId, json } = connectToStore(command);
    if (flags.force !== true) await confirm(`delete the store ${storeId} and all its tuples?`);
    await client.deleteStore(storeId);
    if (json) printJson({});
    else print(`store ${storeId} deleted`);
  });
}
