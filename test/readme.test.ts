// The README's tables are what the code does: settings, error codes, exit codes, commands, folders.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { exitCodes } from '../cli/exit-codes.ts';
import { type ErrorCode, errorCodes, Refusal } from '../src/base/errors.ts';
import { flagOf, settingNames, settings, variableOf } from '../src/server/config.ts';
import { httpStatus } from '../src/service/status.ts';

const root = resolve(import.meta.dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

test('settings', () => {
  const rows = settingNames.map((name) => {
    const { default: value, help } = settings[name];
    return `| \`--${flagOf(name)}\` | \`${variableOf(name)}\` | ${value === '' ? '' : `\`${value}\``} | ${help} |`;
  });
  expect(readme).toContain(
    ['| flag | environment | default | what |', '|---|---|---|---|', ...rows].join('\n'),
  );
});

test('error codes', () => {
  const names = Object.keys(errorCodes) as ErrorCode[];
  const byStatus = Map.groupBy(names, (name) => httpStatus(new Refusal(name, '')));
  const rows = [...byStatus].map(
    ([status, codes]) =>
      `| ${status} | ${codes.map((name) => `\`${name}\` ${errorCodes[name]}`).join(', ')} |`,
  );
  expect(readme).toContain(['| HTTP | code and gRPC status |', '|---|---|', ...rows].join('\n'));
});

test('exit codes', () => {
  const rows = Object.values(exitCodes).map(({ code, meaning }) => `| ${code} | ${meaning} |`);
  expect(readme).toContain(['| exit code | meaning |', '|---|---|', ...rows].join('\n'));
});

test('the guide to the source names every folder, and nothing that is not there', () => {
  const named = [...readme.matchAll(/^\| `([a-z/]+)\/` \|/gm)].map(
    ([, folder]) => folder as string,
  );
  for (const folder of named) expect(existsSync(join(root, folder)), folder).toBe(true);
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  for (const { name } of folders) expect(named).toContain(`src/${name}`);
  for (const [, file] of readme.matchAll(/\]\(([^):]+)\)/g)) {
    expect(existsSync(join(root, file as string)), file).toBe(true);
  }
});
