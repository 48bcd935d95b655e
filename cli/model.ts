/** `pemba model`: write, read and list models on a server; judge and convert them without one. */
import { type Command, Option } from 'commander';
import { connectToStore, wantsJson } from './connection.ts';
import { exitCodes, Failure } from './exit-codes.ts';
import type { ModelFormat } from './files/model-file.ts';
import { registerModelTest } from './model-test.ts';
import { wholeNumber } from './option-values.ts';
import { paint, print, printJson, printTable } from './output.ts';
import { createdAtOf } from './ulid-time.ts';
import { pageSize, type WireModel } from './wire.ts';

const inputFormats = ['fga', 'json', 'modular'] as const;
const outputFormats = ['fga', 'json'] as const;

export function registerModel(program: Command): void {
  const model = program.command('model').description('write, read, judge and test models');
  registerWrite(model);
  registerGet(model);
  registerList(model);
  registerValidate(model);
  registerTransform(model);
  registerModelTest(model);
}

interface InputFlags {
  readonly file: string;
  readonly format?: ModelFormat;
}

function registerWrite(model: Command): void {
  const command = addInputOptions(
    model.command('write').description('write a model; it becomes the latest of its store'),
  ).addHelpText(
    'after',
    `
Examples:
  $ pemba model write --file model.fga
  $ pemba model write --file fga.mod`,
  );
  command.action(async (flags: InputFlags) => {
    const { loadModel } = await import('./files/model-file.ts');
    const connection = connectToStore(command);
    const { client, storeId, json } = connection;
    const answer = await client.writeModel(storeId, await loadModel(flags.file, flags.format));
    if (json) printJson(answer);
    else print(`model ${paint('bold', answer.authorization_model_id)} written`);
  });
}

function registerGet(model: Command): void {
  const command = model
    .command('get')
    .description('print a model: the latest, or the one of --model-id')
    .addOption(
      new Option('--format <format>', 'format to print').choices(outputFormats).default('fga'),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ pemba model get > model.fga
  $ pemba model get --model-id 01GXSA8YR785C4FYS3C0RTG7B1 --format json`,
    );
  command.action(async (flags: { format: 'fga' | 'json' }) => {
    const { client, storeId, modelId, json } = connectToStore(command);
    const found = await client.readModel(storeId, modelId);
    if (found === undefined) {
      throw new Failure('refused', 'the store has no model', {
        code: 'latest_authorization_model_not_found',
        hint: 'write one with `pemba model write --file model.fga`',
      });
    }
    await printModel(found, json ? 'json' : flags.format);
  });
}

function registerList(model: Command): void {
  const command = model
    .command('list')
    .description('list the models of a store, newest first')
    .option('--max-pages <count>', `pages of ${pageSize} to read; 0 for all`, wholeNumber, 0)
    .addHelpText('after', '\nExample:\n  $ pemba model list');
  command.action(async (flags: { maxPages: number }) => {
    const { client, storeId, json } = connectToStore(command);
    const models: { id: string; created_at: string }[] = [];
    for await (const { id = '' } of client.models(storeId)) {
      const length = models.push({ id, created_at: createdAtOf(id) });
      if (length === flags.maxPages * pageSize) break;
    }
    if (json) printJson({ authorization_models: models });
    else
      printTable(
        ['ID', 'CREATED'],
        models.map(({ id, created_at }) => [id, created_at]),
      );
  });
}

function registerValidate(model: Command): void {
  const command = addInputOptions(
    model.command('validate').description('judge a model file, without a server'),
  ).addHelpText(
    'after',
    `
Examples:
  $ pemba model validate --file model.fga
  $ pemba model validate --file model.json --json

Every fault is printed with its line and column; exits ${exitCodes.failed.code} when there is one.`,
  );
  command.action(async (flags: InputFlags) => {
    const { describeFault, judgeModelFile } = await import('./files/model-file.ts');
    const faults = await judgeModelFile(flags.file, flags.format);
    const valid = faults.length === 0;
    if (wantsJson(command)) {
      const error = faults.map(({ message }) => message).join('; ');
      printJson({ is_valid: valid, ...(valid ? {} : { error }), faults });
    } else if (valid) {
      print(`${paint('green', 'valid')} ${flags.file}`);
    } else {
      for (const fault of faults) print(describeFault(fault));
      print(`${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}`);
    }
    if (!valid) process.exitCode = exitCodes.failed.code;
  });
}

interface TransformFlags {
  readonly file: string;
  readonly inputFormat?: ModelFormat;
  readonly outputFormat?: 'fga' | 'json';
}

function registerTransform(model: Command): void {
  const command = model
    .command('transform')
    .description('convert a model file between fga and json, and modules to either')
    .requiredOption('--file <file>', 'model file: .fga, .json or fga.mod')
    .addOption(new Option('--input-format <format>', 'format of the file').choices(inputFormats))
    .addOption(
      new Option('--output-format <format>', 'format to print (default: the other one)').choices(
        outputFormats,
      ),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ pemba model transform --file model.fga > model.json
  $ pemba model transform --file model.json > model.fga
  $ pemba model transform --file fga.mod --output-format fga`,
    );
  command.action(async (flags: TransformFlags) => {
    const { loadModel, modelFormatOf } = await import('./files/model-file.ts');
    const format = flags.inputFormat ?? modelFormatOf(flags.file);
    const found = await loadModel(flags.file, format);
    await printModel(found, flags.outputFormat ?? (format === 'json' ? 'fga' : 'json'));
  });
}

function addInputOptions(command: Command): Command {
  return command
    .requiredOption('--file <file>', 'model file: .fga, .json or fga.mod')
    .addOption(
      new Option('--format <format>', 'format of the file (default: by its name)').choices(
        inputFormats,
      ),
    );
}

async function printModel(model: WireModel, format: 'fga' | 'json'): Promise<void> {
  if (format === 'json') printJson(model);
  else {
    const { modelToDsl } = await import('./files/model-file.ts');
    process.stdout.write(await modelToDsl(model));
  }
}
