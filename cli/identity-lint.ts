/** `pemba identity lint`: every fault of an identity file, alone or beside a model, with its line. */
import type { Command } from 'commander';
import type { FileFault } from '../src/authn/identity/file-fault.ts';
import type { Model } from '../src/model/model.ts';
import { connectToStore, storeIdOfFlag, wantsJson } from './connection.ts';
import { exitCodes, Failure } from './exit-codes.ts';
import type { PlacedFault } from './files/model-file.ts';
import { paint, print, printJson } from './output.ts';
import type { WireModel } from './wire.ts';

const more = `
Without a model the file is judged by itself. With one, every type and relation that it names must be
there and take what the tokens give, and every \`token_…\` parameter of a condition must be given.

Examples:
  $ pemba identity lint identity.yaml
  $ pemba identity lint identity.yaml --model model.fga
  $ pemba identity lint identity.yaml --store-id 01GXSA8YR785C4FYS3C0RTG7B1   # its latest model

Exits ${exitCodes.failed.code} when there is a fault.`;

export function registerLint(identity: Command): void {
  const command = identity
    .command('lint')
    .argument('<file>', 'identity file')
    .description('judge an identity file, alone or beside a model')
    .option('--model <file>', 'model file: .fga, .json or fga.mod')
    .addHelpText('after', more);
  command.action(async (file: string, flags: { model?: string }) => {
    const model = await modelFor(command, flags.model);
    const faults = await faultsOf(file, model);
    if (wantsJson(command)) printJson({ is_valid: faults.length === 0, faults });
    else await printFaults(file, faults, model !== undefined);
    if (faults.length > 0) process.exitCode = exitCodes.failed.code;
  });
}

async function modelFor(command: Command, file: string | undefined): Promise<Model | undefined> {
  const storeNamed = storeIdOfFlag(command) !== undefined;
  if (file !== undefined && storeNamed) {
    throw new Failure('usage', 'give --model or --store-id, not both');
  }
  if (file === undefined && !storeNamed) return undefined;
  const { parseModel } = await import('../src/model/parse.ts');
  return parseModel(file === undefined ? await storedModel(command) : await modelOfFile(file));
}

/** A model that cannot be used would make the lint say things that are not so. */
async function modelOfFile(file: string): Promise<WireModel> {
  const { describeFault, judgeModelFile, loadModel } = await import('./files/model-file.ts');
  const model = await loadModel(file, undefined);
  const [fault] = await judgeModelFile(file, undefined);
  if (fault === undefined) return model;
  throw new Failure('input', describeFault(fault), {
    code: 'invalid_authorization_model',
    hint: '`pemba model validate` shows every fault',
  });
}

async function storedModel(command: Command): Promise<WireModel> {
  const { client, storeId, modelId } = connectToStore(command);
  const model = await client.readModel(storeId, modelId);
  if (model !== undefined) return model;
  throw new Failure('refused', 'the store has no model', {
    code: 'latest_authorization_model_not_found',
  });
}

/** The compiler of identity files is loaded when it is needed, as all that a command needs. */
async function faultsOf(file: string, model: Model | undefined): Promise<readonly PlacedFault[]> {
  const { readText } = await import('./files/lines.ts');
  const { IdentityFileError } = await import('../src/authn/identity/file-fault.ts');
  const { Identity } = await import('../src/authn/identity/identity.ts');
  const { lintModelOf } = await import('./lint-model.ts');
  const placed = ({ path, line, message }: FileFault): PlacedFault => {
    return { file, line, message: path === '' ? message : `${path}: ${message}` };
  };
  const text = await readText(file);
  try {
    return new Identity(text).lint(model && lintModelOf(model)).map(placed);
  } catch (error) {
    if (!(error instanceof IdentityFileError)) throw error;
    return error.faults.map(placed);
  }
}

async function printFaults(
  file: string,
  faults: readonly PlacedFault[],
  withModel: boolean,
): Promise<void> {
  if (faults.length === 0) {
    const beside = withModel ? '' : ', by itself; --model compares it with a model';
    print(`${paint('green', 'valid')} ${file}${beside}`);
    return;
  }
  const { describeFault } = await import('./files/model-file.ts');
  for (const fault of faults) print(describeFault(fault));
  print(`${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}`);
}
