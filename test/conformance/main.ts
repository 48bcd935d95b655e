// `npm run conformance`: outside conformance cases and the official SDK, against servers that this
// starts, one after the other. The cases are not part of the repository: they lie beside it, in
// ../shared/exam, where somebody has put them. Arguments are passed on to the runner of the cases. Those
// of kind `lang` are about the DSL's own package, not about a server, and are skipped.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { resolveConfig } from '../../src/server/config.ts';
import { startServer } from '../../src/server/start.ts';

const root = resolve(import.meta.dirname, '../..');
const exam = resolve(root, '../shared/exam');

if (!existsSync(exam)) {
  console.log('conformance: no cases beside the repository (../shared/exam), so nothing was run');
  process.exit(0);
}

const folder = mkdtempSync(join(tmpdir(), 'pemba-conformance-'));
const servers = {
  'answers from memory': {},
  'answers from storage': { 'graph-memory': '0' },
  'two threads': { 'datastore-uri': `file:${join(folder, 'pemba.db')}`, workers: '2' },
};
const codes: (number | null)[] = [];
for (const [name, own] of Object.entries(servers)) {
  console.log(`\n${name}`);
  const flags = {
    'datastore-uri': ':memory:',
    'http-addr': '127.0.0.1:0',
    'grpc-addr': '127.0.0.1:0',
    'metrics-addr': 'off',
    'log-level': 'off',
    ...own,
  };
  const server = await startServer(resolveConfig({ flags, environment: {} }));
  const url = `http://${server.httpAddress}`;
  const more = process.argv.slice(2);
  codes.push(
    await run('run-exam.mjs', ['--url', url, '--streamed', ...more, join(exam, 'given')]),
    await run('sdk-smoke.mjs', ['--url', url]),
  );
  await server.close();
}
rmSync(folder, { recursive: true });
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
