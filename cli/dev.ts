/** `pemba dev`: a server in memory with a sample model and tuples, and checks to paste. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { limits } from '../src/base/limits.ts';
import { createClient } from './client.ts';
import { defaultApiUrl } from './connection.ts';
import { Failure } from './exit-codes.ts';
import { readStoreFile } from './files/store-file.ts';
import { paint, print } from './output.ts';
import { addSettings, flagsOf, start } from './server-options.ts';

/** In the sample, Ravi may edit the plan as a member of a group of a group; Noor may comment. */
const allowed = { user: 'user:ravi', relation: 'can_edit', object: 'document:launch-plan' };
const deniedUser = 'user:noor';

/** Run from source, the CLI is a script of this package. */
const fromSource = import.meta.url.endsWith('.ts');
const pemba = fromSource ? 'npm run -s pemba --' : 'pemba';
const restart = fromSource ? 'npm start --' : 'pemba dev';

export function registerDev(program: Command): void {
  const command = program
    .command('dev')
    .summary('run a server in memory, with a sample model')
    .description(
      'Runs a server in memory with a sample model and tuples, and prints checks to paste. ' +
        'Everything is gone when it ends.',
    );
  addSettings(command, ['httpAddr', 'grpcAddr', 'metricsAddr', 'graphMemory', 'logLevel']);
  command.action(() => dev(flagsOf(command)));
}

async function dev(flags: Record<string, string>): Promise<void> {
  const { server } = await start({
    'log-level': 'warn',
    ...flags,
    'datastore-uri': ':memory:',
    'log-format': 'text',
    // Whatever the environment says of a server that is none.
    'authn-method': 'none',
    'authn-preshared-keys': '',
    'authn-preshared-keys-file': '',
    'identity-file': '',
  }).catch(adviseOnPorts);
  const apiUrl = `http://${server.httpAddress}`;
  const sample = await loadSample(apiUrl);
  print(welcome({ ...sample, apiUrl, grpcAddress: server.grpcAddress }));
}

function adviseOnPorts(error: unknown): never {
  if (!(error instanceof Failure) || error.exit !== 'cannotStart') throw error;
  const free = '--http-addr 127.0.0.1:0 --grpc-addr 127.0.0.1:0 --metrics-addr off';
  throw new Failure('cannotStart', error.message, {
    cause: error,
    hint: `\`${restart} ${free}\` takes free ports`,
  });
}

/** Through the API, as everybody else would. */
async function loadSample(apiUrl: string): Promise<{ storeId: string; tuples: number }> {
  const { name, model, tuples } = await readStoreFile(sampleFile(), { allowExternalFiles: false });
  const client = createClient({ apiUrl, apiToken: undefined, timeoutMs: limits.clientTimeoutMs });
  const { id } = await client.createStore(name);
  if (model !== undefined) await client.writeModel(id, model);
  for (let from = 0; from < tuples.length; from += limits.tuplesPerWriteMax) {
    const tuple_keys = tuples.slice(from, from + limits.tuplesPerWriteMax);
    await client.write(id, { writes: { tuple_keys, on_duplicate: 'error' } });
  }
  return { storeId: id, tuples: tuples.length };
}

/** The schemas lie one folder above the sources, two above what is built of them. */
function sampleFile(): string {
  const [file] = ['../schemas/drive.fga.yaml', '../../schemas/drive.fga.yaml']
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .filter((path) => existsSync(path));
  if (file === undefined)
    throw new Failure('input', 'the sample schemas/drive.fga.yaml is missing');
  return file;
}

function welcome(at: {
  storeId: string;
  tuples: number;
  apiUrl: string;
  grpcAddress: string;
}): string {
  const api = at.apiUrl === defaultApiUrl ? '' : ` --api-url ${at.apiUrl}`;
  const question = JSON.stringify({ tuple_key: allowed });
  const grpcQuestion = JSON.stringify({ store_id: at.storeId, tuple_key: allowed });
  return `
${paint('bold', 'Pemba is running')}, in memory, with the document drive of schemas/drive.fga and ${at.tuples} tuples.

  HTTP   ${at.apiUrl}
  gRPC   ${at.grpcAddress}
  store  ${at.storeId}

May Ravi edit the launch plan? He is a member of a group of a group that contributes to its drive.
Paste into another terminal; each answers ${paint('green', 'allowed')}:

${paint('dim', '# curl answers {"allowed":true,"resolution":""}')}
curl -s ${at.apiUrl}/stores/${at.storeId}/check -H 'content-type: application/json' -d '${question}'

${paint('dim', '# the pemba command answers allowed')}
${pemba} query check${api} --store-id ${at.storeId} ${allowed.user} ${allowed.relation} ${allowed.object}

${paint('dim', '# grpcurl answers "allowed": true')}
grpcurl -plaintext -emit-defaults -d '${grpcQuestion}' ${at.grpcAddress} openfga.v1.OpenFGAService/Check

Noor may only comment: with ${deniedUser} in the place of ${allowed.user} each answers ${paint('red', 'denied')}.
Ctrl-C ends the server; then everything in it is gone.`;
}
