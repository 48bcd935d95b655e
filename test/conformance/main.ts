// `npm run conformance`: outside conformance cases and the official SDK, against a server that this
// starts, one that answers from memory and one that does not. The cases are not part of the repository: they lie beside it, in ../shared/exam, where
// somebody has put them. Arguments are passed on to the runner of the cases. Those of kind `lang` are
// about the DSL's own package, not about a server, and are skipped.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { resolveConfig } from '../../src/server/config.ts';
import { startServer } from '../../src/server/start.ts';

const root = resolve(import.meta.dirname, '../..');
const exam = resolve(root, '../shared/exam');

if (!existsSync(exam)) {
  console.log('conformance: no cases beside the repository (../shared/exam), so nothing was run');
  process.exit(0);
}

const flags = {
  'datastore-uri': ':memory:',
  'http-addr': '127.0.0.1:0',
  'grpc-addr': '127.0.0.1:0',
  'metrics-addr': 'off',
  'log-level': 'off',
};
const more = process.argv.slice(2);
const codes: (number | null)[] = [];
for (const graphMemory of ['auto', '0']) {
  console.log(`\n--graph-memory ${graphMemory}`);
  const ownFlags = { ...flags, 'graph-memory': graphMemory };
  const server = await startServer(resolveConfig({ flags: ownFlags, environment: {} }));
  const url = `http://${server.httpAddress}`;
  codes.push(
    await run('run-exam.mjs', ['--url', url, '--streamed', ...more, join(exam, 'given')]),
    await run('sdk-smoke.mjs', ['--url', url]),
  );
  await server.close();
}
process.exit(codes.every((code) => code === 0) ? 0 : 1);

/** The server stays in this process: it must go on answering while the program runs. */
function run(program: string, args: readonly string[]): Promise<number | null> {
  const child = spawn(process.execPath, [join(exam, program), ...args], {
    stdio: 'inherit',
    // The programs look for @openfga/sdk beside themselves; it is a dependency of ours.
    env: { NODE_PATH: join(root, 'node_modules') },
  });
  return new Promise((done, fail) => child.on('error', fail).on('exit', done));
}
