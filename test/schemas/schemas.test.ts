/** The example models of `schemas/`: each is valid, well tested, and answers as its tests say. */
import { readdirSync, readFileSync } from 'node:fs';
import { validator } from '@openfga/syntax-transformer';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { runStoreFile } from '../../cli/store-test.ts';

const folder = new URL('../../schemas/', import.meta.url);
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.fga'))
  .map((file) => file.slice(0, -'.fga'.length));

/** Fewer would leave out denials, or conditions on both sides of their border. */
const assertionsMin = 20;

test('every model has its tests, and there are six', () => {
  expect(names).toHaveLength(6);
  const tested = readdirSync(folder).filter((file) => file.endsWith('.fga.yaml'));
  expect(tested).toEqual(names.map((name) => `${name}.fga.yaml`));
});

describe.each(names)('%s', (name) => {
  const path = (file: string) => new URL(file, folder).pathname;

  test('the model has no fault that an editor would show', () => {
    const dsl = readFileSync(path(`${name}.fga`), 'utf8');
    expect(() => validator.validateDSL(dsl)).not.toThrow();
  });

  test('the tests name the model beside them', () => {
    const { model_file } = parse(readFileSync(path(`${name}.fga.yaml`), 'utf8'));
    expect(model_file).toBe(`./${name}.fga`);
  });

  test('every assertion holds', async () => {
    const warnings: string[] = [];
    const results = await runStoreFile(path(`${name}.fga.yaml`), {
      allowExternalFiles: false,
      warn: (warning) => warnings.push(warning),
    });
    const wrong = results.flatMap((result) => [
      ...(result.error === undefined ? [] : [`${result.name}: ${result.error}`]),
      ...result.checks.filter(({ passed }) => !passed),
      ...result.lists.filter(({ passed }) => !passed),
    ]);
    expect(wrong).toEqual([]);
    expect(warnings).toEqual([]);
    const checks = results.flatMap((result) => result.checks);
    expect(checks.length).toBeGreaterThanOrEqual(assertionsMin);
    expect(checks.filter(({ expected }) => !expected).length).toBeGreaterThanOrEqual(5);
  });
});
