// The configuration: where a value comes from, and what is refused in which words.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import {
  type ConfigSources,
  flagOf,
  resolveConfig,
  settingNames,
  settings,
  variableOf,
} from '../../src/server/config.ts';
import { graphBytes } from '../../src/server/graph-memory.ts';
import { formatAddress, isLoopback, parseAddress } from '../../src/server/setting-values.ts';
import { StartError } from '../../src/server/start-error.ts';

const folder = mkdtempSync(join(tmpdir(), 'pemba-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Each in a folder of its own, so that the names in errors stay the same. */
function file(text: string, name = 'pemba.yaml'): string {
  const path = join(mkdtempSync(join(folder, 'file-')), name);
  writeFileSync(path, text);
  return path;
}

function resolve(sources: ConfigSources = {}) {
  return resolveConfig({ environment: {}, ...sources });
}

test('the defaults: loopback, one file, nothing open to others', () => {
  expect(resolve()).toEqual({
    datastoreUri: 'pemba.db',
    httpAddr: { host: '127.0.0.1', port: 8080 },
    grpcAddr: { host: '127.0.0.1', port: 8081 },
    metricsAddr: { host: '127.0.0.1', port: 2112 },
    insecure: false,
    authnMethod: 'none',
    authnPresharedKeys: [],
    authnPresharedKeysFile: [],
    identityFile: '',
    corsAllowedOrigins: [],
    graphMemory: 'auto',
    workers: 'auto',
    requestTimeout: 3_000,
    requestBytesMax: 616_448,
    checkDepthMax: 25,
    checkStepsMax: 1_000_000,
    shutdownTimeout: 10_000,
    logLevel: 'info',
    logFormat: 'json',
  });
  expect(Object.isFrozen(resolve())).toBe(true);
});

test('flag before environment before file before default', () => {
  const config = file('log-level: error\nlog-format: text\nrequest-timeout: 1s\n');
  const environment = {
    PEMBA_CONFIG: config,
    PEMBA_LOG_LEVEL: 'warn',
    PEMBA_LOG_FORMAT: 'json',
    PEMBA_CHECK_DEPTH_MAX: '',
  };
  const flags = { 'log-level': 'debug' };
  expect(resolve({ flags, environment })).toMatchObject({
    logLevel: 'debug',
    logFormat: 'json',
    requestTimeout: 1_000,
    checkDepthMax: 25,
  });
});

test('the flag for the file goes before its variable, and JSON is read too', () => {
  const flags = { config: file('{"log-level": "error", "insecure": true}', 'pemba.json') };
  const environment = { PEMBA_CONFIG: '/nowhere/pemba.yaml' };
  expect(resolve({ flags, environment })).toMatchObject({ logLevel: 'error', insecure: true });
});

test('an empty file, a list, and numbers', () => {
  expect(resolve({ flags: { config: file('') } })).toEqual(resolve());
  const text =
    'cors-allowed-origins: [https://a.example, https://b.example]\ncheck-depth-max: 50\n';
  expect(resolve({ flags: { config: file(text) } })).toMatchObject({
    corsAllowedOrigins: ['https://a.example', 'https://b.example'],
    checkDepthMax: 50,
  });
});

describe('every setting has its flag, its variable and its key', () => {
  test.each(settingNames)('%s', (name) => {
    const text = settings[name].default;
    const preset = resolve()[name];
    expect(resolve({ flags: { [flagOf(name)]: text } })[name]).toEqual(preset);
    expect(resolve({ environment: { [variableOf(name)]: text } })[name]).toEqual(preset);
    const config = file(JSON.stringify({ [flagOf(name)]: text }));
    expect(resolve({ flags: { config } })[name]).toEqual(preset);
  });
});

test.each([
  ['0', 0],
  ['1000000', 1_000_000],
  ['64KiB', 65_536],
  ['512MiB', 536_870_912],
  ['2GiB', 2_147_483_648],
  ['1TiB', 1_099_511_627_776],
  ['auto', 'auto'],
])('memory: %s', (text, bytes) => {
  expect(resolve({ flags: { 'graph-memory': text } }).graphMemory).toBe(bytes);
});

test.each([
  [1, true],
  [limits.workersMax - 1, true],
  [limits.workersMax, true],
  [limits.workersMax + 1, false],
  [0, false],
])('%d workers: %s', (workers, passes) => {
  const resolved = () => resolve({ flags: { workers: String(workers) } }).workers;
  if (passes) expect(resolved()).toBe(workers);
  else expect(resolved).toThrow('from 1 to');
});

test('auto is a quarter of the machine, or of the cgroup where that leaves less', () => {
  const [machine, most] = [8_000, Number.MAX_VALUE];
  expect(graphBytes('auto', machine, 0)).toBe(2_000);
  expect(graphBytes('auto', machine, most)).toBe(2_000);
  expect(graphBytes('auto', machine, 1_003)).toBe(250);
  expect(graphBytes(77, machine, 1_003)).toBe(77);
  expect(graphBytes('auto')).toBeGreaterThan(0);
});

describe('addresses', () => {
  test.each([
    ['localhost:80', 'localhost', 80, true],
    ['[::1]:8080', '::1', 8080, true],
    ['127.4.5.6:0', '127.4.5.6', 0, true],
    [':8080', '', 8080, false],
    ['0.0.0.0:1', '0.0.0.0', 1, false],
    ['[::]:1', '::', 1, false],
    ['127.0.0.1.evil.example:1', '127.0.0.1.evil.example', 1, false],
    ['10.0.0.7:65535', '10.0.0.7', 65_535, false],
  ])('%s', (text, host, port, loopback) => {
    expect(parseAddress(text)).toEqual({ host, port });
    expect(isLoopback(parseAddress(text))).toBe(loopback);
    expect(formatAddress(parseAddress(text))).toBe(text);
  });
});

const stored = `web=sha256:${'0'.repeat(64)}`;

describe('keys', () => {
  const flags = { 'authn-method': 'preshared' };
  const key = { name: 'web', id: '00000000' };

  test('come from the environment and from a file, in lines or with commas', () => {
    const other = stored.replace('web', 'ops').replace('00', '11');
    const path = file(`# two\n${other}\n\n${other.replaceAll('0', '2')}\n`, 'keys.txt');
    const environment = { PEMBA_AUTHN_PRESHARED_KEYS: `${stored}, ` };
    const config = resolve({
      flags: { ...flags, 'authn-preshared-keys-file': path },
      environment,
    });
    expect(config.authnPresharedKeys).toMatchObject([key]);
    expect(config.authnPresharedKeysFile).toMatchObject([{ name: 'ops' }, { name: 'ops' }]);
  });

  test('open the address to others', () => {
    const environment = { PEMBA_AUTHN_PRESHARED_KEYS: stored };
    const open = { ...flags, 'http-addr': '0.0.0.0:8080' };
    expect(resolve({ flags: open, environment }).authnMethod).toBe('preshared');
  });

  test('that are secrets themselves are refused, and not repeated', () => {
    const secret = 'pemba_this-is-a-secret';
    for (const text of [secret, `web=${secret}`, `web=sha256:${secret}`]) {
      const environment = { PEMBA_AUTHN_PRESHARED_KEYS: text };
      expect(() => resolve({ flags, environment })).toThrow('pemba key create');
      expect(() => resolve({ flags, environment })).not.toThrow(secret);
      const path = file(text, 'secret.txt');
      const inFile = { ...flags, 'authn-preshared-keys-file': path };
      expect(() => resolve({ flags: inFile })).not.toThrow(secret);
    }
  });
});

describe('refusals name the source and the value', () => {
  const flag = (name: string, value: string): ConfigSources => ({ flags: { [name]: value } });
  const inFile = (text: string): ConfigSources => ({ flags: { config: file(text) } });
  test.each<[sources: ConfigSources, parts: string[]]>([
    ...['-1', '1GB', '1.5GiB', '', 'GiB', '9999999TiB'].map((text): [ConfigSources, string[]] => [
      flag('graph-memory', text),
      ['--graph-memory', '2GiB'],
    ]),
    [flag('workers', 'two'), ['--workers', '`two`', 'or auto']],
    [flag('http-addr', '8080'), ['--http-addr', '`8080`', 'HOST:PORT']],
    [flag('http-addr', '127.0.0.1:65536'), ['--http-addr', 'HOST:PORT']],
    [flag('grpc-addr', '::1:80'), ['--grpc-addr', '[::1]:8080']],
    [flag('metrics-addr', 'none'), ['--metrics-addr', '`none`']],
    [flag('request-timeout', '3'), ['--request-timeout', '`3`', '3s']],
    [flag('request-timeout', '0ms'), ['--request-timeout']],
    [flag('request-timeout', '50000m'), ['--request-timeout']],
    [flag('check-depth-max', '-1'), ['--check-depth-max', 'whole number']],
    [flag('check-depth-max', '1e3'), ['--check-depth-max', 'whole number']],
    [flag('log-level', 'loud'), ['--log-level', '`loud`', 'debug, info, warn, error, off']],
    [flag('cors-allowed-origins', 'example.com'), ['--cors-allowed-origins', 'https://']],
    [flag('datastore-uri', 'pemba.db'), ['--datastore-uri', 'file:PATH']],
    [flag('datastore-uri', 'file:a.db?mode=ro'), ['--datastore-uri', 'file:PATH']],
    [{ environment: { PEMBA_INSECURE: 'yes' } }, ['PEMBA_INSECURE', '`yes`', 'true or false']],
    [inFile('request-timeout: soon'), ['pemba.yaml: request-timeout', '`soon`']],
    [inFile('http_addr: 127.0.0.1:1'), ['pemba.yaml', 'no setting `http_addr`']],
    [inFile('log-level: {a: 1}'), ['pemba.yaml', 'log-level', 'one value']],
    [inFile('- 1'), ['pemba.yaml', 'http-addr: 127.0.0.1:8080']],
    [inFile('a: b: c'), ['pemba.yaml', 'cannot read']],
    [flag('config', join(folder, 'missing.yaml')), ['missing.yaml', 'ENOENT']],
    [flag('authn-method', 'password'), ['--authn-method', 'none, preshared, oidc']],
    [flag('authn-method', 'preshared'), ['needs a key', 'pemba key create']],
    [flag('authn-preshared-keys-file', join(folder, 'no.txt')), ['-file', 'no.txt', 'ENOENT']],
    [flag('authn-preshared-keys-file', file('# none\n', 'none.txt')), ['the file has no key']],
    [
      { environment: { PEMBA_AUTHN_PRESHARED_KEYS: stored } },
      ['nobody is asked', '--authn-method preshared'],
    ],
    [
      {
        flags: { 'authn-method': 'preshared' },
        environment: { PEMBA_AUTHN_PRESHARED_KEYS: `${stored},${stored}` },
      },
      ['two preshared keys are the same'],
    ],
    [flag('http-addr', '0.0.0.0:8080'), ['--http-addr', '`0.0.0.0:8080`', '--insecure']],
    [inFile("grpc-addr: ':8081'"), ['pemba.yaml: grpc-addr', '`:8081`', '--insecure']],
  ])('%j', (sources, parts) => {
    const error = refusalOf(sources);
    expect(error.exitCode).toBe(2);
    expect(error.message).not.toContain('\n');
    for (const part of parts) expect(error.message).toContain(part);
  });

  test('a datastore URI is not repeated: it may hold a password', () => {
    const uri = 'postgres://pemba:hunter2@db.example/pemba';
    const error = refusalOf({ environment: { PEMBA_DATASTORE_URI: uri } });
    expect(error.message).toContain('PEMBA_DATASTORE_URI');
    expect(error.message).not.toContain('hunter2');
  });
});

test('an address that others can reach is allowed once --insecure is spelled out', () => {
  const flags = { 'http-addr': '0.0.0.0:8080', 'grpc-addr': '[::]:8081', insecure: 'true' };
  expect(resolve({ flags }).httpAddr).toEqual({ host: '0.0.0.0', port: 8080 });
});

test('where a datastore URI points', () => {
  const at = (uri: string) => resolve({ flags: { 'datastore-uri': uri } }).datastoreUri;
  expect(at(':memory:')).toBe(':memory:');
  expect(at('file:data/pemba.db')).toBe('data/pemba.db');
  expect(at('file:/var/lib/pemba.db')).toBe('/var/lib/pemba.db');
  expect(at('file:///var/lib/my%20pemba.db')).toBe('/var/lib/my pemba.db');
});

function refusalOf(sources: ConfigSources): StartError {
  try {
    resolve(sources);
  } catch (error) {
    if (error instanceof StartError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
