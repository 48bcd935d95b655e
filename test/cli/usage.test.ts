/** The command line itself: versions, help, mistakes, servers that are not there. */
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { exitCodes } from '../../cli/exit-codes.ts';
import { pauseMs } from '../../cli/http.ts';
import { createProgram } from '../../cli/program.ts';
import { limits } from '../../src/base/limits.ts';
import { folderOf, pembaProcess as pemba, root } from './run.ts';

const storeId = '01H0H015178Y2V4CX10C2KGHF4';

test('--version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect(await pemba(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});

test('--help lists the commands and the exit codes', async () => {
  const { code, stdout } = await pemba(['--help']);
  expect(code).toBe(0);
  for (const command of ['dev', 'serve', 'verify', 'limits', 'store', 'model', 'tuple', 'query']) {
    expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
  }
  for (const { code: exit, meaning } of Object.values(exitCodes)) {
    expect(stdout).toContain(`${String(exit).padEnd(4)}${meaning}`);
  }
});

test('every command has a description and, where it does something, examples', async () => {
  const leaves = (command: Awaited<ReturnType<typeof createProgram>>): (typeof command)[] =>
    command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
  const commands = leaves(await createProgram());
  expect(commands.length).toBeGreaterThan(15);
  for (const command of commands) {
    let help = '';
    command
      .configureOutput({
        writeOut: (text) => {
          help += text;
        },
      })
      .outputHelp();
    expect(command.description(), command.name()).not.toBe('');
    if (command.name() !== 'dev') expect(help, command.name()).toMatch(/Examples?:\n {2}\$ /);
  }
});

test.each([
  ['no command', []],
  ['an unknown command', ['stroe', 'list']],
  ['an unknown command of a group', ['store', 'lsit']],
  ['a group alone', ['store']],
  ['an unknown flag', ['store', 'list', '--colour']],
  ['a missing argument', ['query', 'check', 'user:anne']],
  ['an argument too many', ['query', 'check', 'user:anne', 'viewer', 'document:1', 'x']],
  ['a missing file', ['model', 'write', '--store-id', storeId]],
  ['no store', ['tuple', 'read']],
  ['an id that is none', ['tuple', 'read', '--store-id', 'docs']],
  ['a URL that is none', ['store', 'list', '--api-url', 'localhost:8080']],
  ['a number that is none', ['tuple', 'write', '--file', 'x.csv', '--max-rps', '0']],
  ['a context that is no object', ['query', 'check', 'a', 'b', 'c', '--context', '[1]']],
  ['a list of no kind', ['query', 'list-users', '--object', 'a:1', '--relation', 'b']],
  [
    'an object that is none',
    ['query', 'list-users', '--object', 'a', '--relation', 'b', '--user-filter', 'c'],
  ],
  ['half a contextual tuple', ['query', 'check', 'a', 'b', 'c', '--contextual-tuple', 'a b']],
  ['a tuple and a file', ['tuple', 'write', 'a:1', 'b', 'c:1', '--file', 'x.csv']],
  ['neither tuple nor file', ['tuple', 'delete', '--store-id', storeId]],
  ['delete without --force', ['store', 'delete', '--store-id', storeId]],
])('%s: one clear line, exit 2', async (_, args) => {
  const { code, stdout, stderr } = await pemba(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  if (args.length > 1) expect(stderr).toMatch(/^error: /);
  expect(stderr).not.toMatch(/at .*\.ts:\d/);
});

test('a server that is not there: what to start, exit 3', async () => {
  const url = await closedPort();
  const { code, stderr } = await pemba(['store', 'list', '--api-url', url]);
  expect(code).toBe(3);
  expect(stderr).toMatch(
    new RegExp(`^error: no server at ${url}: start one with \`pemba dev\` .*\n$`),
  );
});

test('the same with --json, on stderr', async () => {
  const url = await closedPort();
  const { code, stdout, stderr } = await pemba(['--json', 'store', 'list'], {
    env: { FGA_API_URL: url },
  });
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
  expect(JSON.parse(stderr).error).toMatchObject({
    code: 'unreachable',
    message: `no server at ${url}: start one with \`pemba dev\``,
  });
});

test('the flag wins over PEMBA_, and PEMBA_ over FGA_', async () => {
  await using server = await listen((_, response) =>
    response.end('{"stores": [], "continuation_token": ""}'),
  );
  const closed = await closedPort();
  const env = { PEMBA_API_URL: closed, FGA_API_URL: closed };
  expect((await pemba(['store', 'list', '--api-url', server.url], { env })).code).toBe(0);
  const swapped = { PEMBA_API_URL: server.url, FGA_API_URL: closed };
  expect((await pemba(['store', 'list'], { env: swapped })).code).toBe(0);
});

test('the token comes from the environment or a file; from the command line with a warning', async () => {
  const seen: (string | undefined)[] = [];
  await using server = await listen((request, response) => {
    seen.push(request.headers.authorization);
    response.end('{"stores": [], "continuation_token": ""}');
  });
  using folder = folderOf({ token: 'from-file\n' });
  const list = ['store', 'list', '--api-url', server.url];
  const quiet = await pemba(list, { env: { PEMBA_API_TOKEN: 'from-env' } });
  expect(quiet.stderr).toBe('');
  await pemba([...list, '--api-token-file', folder.file('token')]);
  const loud = await pemba([...list, '--api-token', 'from-argv']);
  expect(loud.stderr).toMatch(/^warning: .*PEMBA_API_TOKEN/);
  expect(seen).toEqual(['Bearer from-env', 'Bearer from-file', 'Bearer from-argv']);
});

test('a busy or failing server is asked again, a refusing one is not', async () => {
  const statuses = [429, 503, 500, 200];
  let asked = 0;
  await using server = await listen((_, response) => {
    response.writeHead(statuses[asked++] ?? 500).end('{"stores": [], "continuation_token": ""}');
  });
  const list = ['store', 'list', '--api-url', server.url];
  expect((await pemba(list)).code).toBe(0);
  expect(asked).toBe(1 + limits.clientRetriesMax);

  await using refusing = await listen((_, response) => {
    asked++;
    response
      .writeHead(401)
      .end('{"code": "bearer_token_missing", "message": "missing\\nbearer token"}');
  });
  asked = 0;
  const { code, stderr } = await pemba(['store', 'list', '--api-url', refusing.url]);
  expect({ code, asked }).toEqual({ code: 4, asked: 1 });
  expect(stderr).toBe(
    'error: bearer_token_missing: missing bearer token (put the token into PEMBA_API_TOKEN)\n',
  );
});

test('a server that goes on failing: exit 5 after four requests', async () => {
  let asked = 0;
  await using server = await listen((_, response) => {
    asked++;
    response.writeHead(500).end('oops');
  });
  const { code, stderr } = await pemba(['store', 'list', '--api-url', server.url]);
  expect({ code, asked }).toEqual({ code: 5, asked: 4 });
  expect(stderr).toMatch(/^error: http_500: HTTP status 500/);
});

test('the pauses between repeats: our own at first, then what the server asks for, to a bound', () => {
  const [least, most] = [limits.clientRetryMinMs, limits.clientRetryMaxMs];
  for (const asked of [least - 1, least, least + 1]) {
    expect(pauseMs(0, asked)).toBe(Math.max(asked, least));
  }
  expect([0, 1, 2].map((repeats) => pauseMs(repeats, 0))).toEqual([least, 2 * least, 4 * least]);
  for (const asked of [most - 1, most, most + 1]) {
    expect(pauseMs(0, asked)).toBe(Math.min(asked, most));
  }
});

test.each([
  ['answers with HTML', (response: Answer) => response.end('<html>'), /the answer is not JSON/],
  [
    'redirects',
    (response: Answer) => response.writeHead(302, { location: '/login' }).end(),
    /redirects to \/login/,
  ],
])('something else that %s: exit 5', async (_, answer, message) => {
  await using server = await listen((_, response) => answer(response));
  const { code, stderr } = await pemba(['store', 'list', '--api-url', server.url]);
  expect(code).toBe(5);
  expect(stderr).toMatch(message);
});

test('a server that never answers: exit 3 after --timeout', async () => {
  await using server = await listen(() => {});
  const { code, stderr } = await pemba([
    'store',
    'list',
    '--api-url',
    server.url,
    '--timeout',
    '0.05',
  ]);
  expect(code).toBe(3);
  expect(stderr).toMatch(/no answer from .* within 50 ms/);
});

test('without --timeout it waits for an answer as long as the limit says', async () => {
  await using server = await listen((_, response) => {
    response.end('{"stores": [], "continuation_token": ""}');
  });
  const timer = vi.spyOn(AbortSignal, 'timeout');
  const output = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  onTestFinished(() => {
    timer.mockRestore();
    output.mockRestore();
  });
  const run = async (...more: string[]) =>
    (await createProgram()).parseAsync(['store', 'list', '--api-url', server.url, ...more], {
      from: 'user',
    });
  await run();
  const most = limits.clientTimeoutMs;
  for (const ms of [most - 1, most, most + 1]) await run('--timeout', String(ms / 1_000));
  expect(timer.mock.calls).toEqual([[most], [most - 1], [most], [most + 1]]);
});

type Answer = Parameters<RequestListener>[1];

async function listen(listener: RequestListener) {
  const server = createServer(listener);
  const url = await urlOf(server);
  return {
    url,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function urlOf(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A port that was just given back: nobody listens there. */
async function closedPort(): Promise<string> {
  const server = createServer();
  const url = await urlOf(server);
  await new Promise((resolve) => server.close(resolve));
  return url;
}
