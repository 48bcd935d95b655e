// The README's tables are what the code does: settings, error codes, exit codes, commands, folders.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { exitCodes } from '../cli/exit-codes.ts';
import { createProgram } from '../cli/program.ts';
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

type Command = Awaited<ReturnType<typeof createProgram>>;
const groups = ['store', 'model', 'tuple', 'query'];
const namesOf = (command: Command) =>
  command.commands.map((each) => each.name()).filter((name) => name !== 'help');

test('the list of commands names all of them', async () => {
  for (const group of groups) {
    const program = (await createProgram()).commands.find((each) => each.name() === group);
    const [, listed = ''] =
      new RegExp(`^ {4}pemba ${group} +([^\\n]*[|][^\\n]*)$`, 'm').exec(readme) ?? [];
    const names = listed.split('|').map((text) => text.trim().split(' ')[0]);
    expect(names.toSorted(), group).toEqual(namesOf(program as Command).toSorted());
  }
});

test('every command that it shows is one, with options that it has', async () => {
  const shown = [...readme.matchAll(/^(?: {4}|\$ )?pemba ([^|\n]*)$/gm)].map(
    ([, line]) => (line as string).replace(/ #.*$/, '').match(/"[^"]*"|'[^']*'|\S+/g) ?? [],
  );
  expect(shown.length).toBeGreaterThan(10);
  for (const words of shown) {
    let command: Command = await createProgram();
    const options = [...command.options];
    for (const word of words) {
      const next = command.commands.find((each) => each.name() === word);
      if (next === undefined) break;
      command = next;
      options.push(...command.options);
    }
    expect(command.commands, words.join(' ')).toEqual([]);
    for (const flag of words.filter((word) => word.startsWith('--'))) {
      expect(
        options.map(({ long }) => long),
        words.join(' '),
      ).toContain(flag);
    }
  }
});

test('every path that it names is one', () => {
  const services = [
    'openfga/v1/openfga_service',
    'pemba/v1/query_service',
    'pemba/v1/tuple_service',
  ];
  const protos = services.map((name) => readFileSync(join(root, `proto/${name}.proto`), 'utf8'));
  const paths = [...protos.join('').matchAll(/(?:post|get): "([^"]*)"/g)].map(([, path]) => path);
  const named = [...readme.matchAll(/`(?:POST |GET )?(\/stores\/[^`]*|…\/[^`]*)`/g)];
  expect(named.length).toBeGreaterThan(5);
  for (const [, path = ''] of named) {
    const ending = path.replace('…', '/stores/{store_id}');
    expect(paths, path).toContain(ending);
  }
});

test('every npm script that it names is one', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const [, name] of readme.matchAll(/npm run (?:-s )?([a-z:]+)/g)) {
    expect(Object.keys(scripts)).toContain(name);
  }
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
