/** `pemba store export`: a store becomes a store file: its model, its tuples, its assertions as checks. */
import { existsSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { canonicalJson, type JsonObject } from '../src/base/json.ts';
import { type Connection, connectToStore } from './connection.ts';
import { Failure } from './exit-codes.ts';
import { positiveInteger } from './option-values.ts';
import { print, printJson, warn } from './output.ts';
import { plainTuple, type WireAssertion, type WireModel, type WireTuple } from './wire.ts';

interface ExportFlags {
  readonly outputFile?: string;
  readonly maxTuples?: number;
  readonly force?: boolean;
}

export function registerStoreExport(store: Command): void {
  const command = store
    .command('export')
    .description('print a store as a store file (.fga.yaml)')
    .option('--output-file <file>', 'write to this file instead')
    .option('--max-tuples <count>', 'tuples to export (default: all)', positiveInteger)
    .option('--force', 'overwrite the file')
    .addHelpText(
      'after',
      `
Examples:
  $ pemba store export > store.fga.yaml
  $ pemba store export --output-file store.fga.yaml --model-id 01GXSA8YR785C4FYS3C0RTG7B1`,
    );
  command.action(async (flags: ExportFlags) => {
    const { outputFile } = flags;
    if (outputFile !== undefined && flags.force !== true && existsSync(outputFile)) {
      throw new Failure('usage', `\`${outputFile}\` exists already`, {
        hint: '--force overwrites it',
      });
    }
    const connection = connectToStore(command);
    const document = await exportStore(connection, flags.maxTuples);
    const { toYaml } = await import('./files/yaml.ts');
    // JSON is YAML too: with --json the file is both.
    const text = connection.json ? `${JSON.stringify(document, undefined, 2)}\n` : toYaml(document);
    if (outputFile === undefined) process.stdout.write(text);
    else {
      writeFileSync(outputFile, text);
      if (connection.json) printJson({ file: outputFile });
      else print(`written to ${outputFile}`);
    }
  });
}

async function exportStore(connection: Connection, maxTuples: number | undefined): Promise<object> {
  const { client, storeId } = connection;
  const { name } = await client.readStore(storeId);
  const model = await client.readModel(storeId, connection.modelId);
  const tuples: WireTuple[] = [];
  for await (const page of client.tuples(storeId, {}, 100)) {
    tuples.push(...page.tuples.map(({ key }) => key));
    if (maxTuples !== undefined && tuples.length >= maxTuples) break;
  }
  if (tuples.some((tuple) => tuple.expires_at !== undefined)) {
    warn("some tuples have an expires_at; OpenFGA's tools pass over it, and the tuples never end");
  }
  const assertions = model?.id === undefined ? [] : await client.readAssertions(storeId, model.id);
  return {
    name,
    ...(model === undefined ? {} : { model: await textOf(model) }),
    tuples: tuples.slice(0, maxTuples),
    tests: testsOf(assertions),
  };
}

/** The DSL, or JSON for the few models that the DSL cannot say. */
async function textOf(model: WireModel): Promise<string> {
  const { modelToDsl } = await import('./files/model-file.ts');
  try {
    return await modelToDsl(model);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { id: _, ...definition } = model;
    return JSON.stringify(definition, undefined, 2);
  }
}

/** One test for all assertions that share their contextual tuples: a test has one set of its own. */
function testsOf(assertions: readonly WireAssertion[]): object[] {
  const groups = Map.groupBy(assertions, tuplesText);
  return [...groups.values()].map((group, index) => {
    const tuples = (group[0]?.contextual_tuples ?? []).map(plainTuple);
    return {
      name: groups.size === 1 ? 'Assertions' : `Assertions ${index + 1}`,
      ...(tuples.length === 0 ? {} : { tuples }),
      check: checksOf(group),
    };
  });
}

function tuplesText(assertion: WireAssertion): string {
  const tuples = (assertion.contextual_tuples ?? []).map(plainTuple);
  return canonicalJson(tuples as unknown as readonly JsonObject[]);
}

function checksOf(assertions: readonly WireAssertion[]): object[] {
  const checks: {
    user: string;
    object: string;
    context?: JsonObject;
    assertions: Record<string, boolean>;
  }[] = [];
  for (const { tuple_key, expectation, context } of assertions) {
    const { user, relation, object } = tuple_key;
    const values = Object.keys(context ?? {}).length === 0 ? undefined : context;
    const same = checks.find(
      (check) =>
        check.user === user &&
        check.object === object &&
        canonicalJson(check.context ?? {}) === canonicalJson(values ?? {}) &&
        !Object.hasOwn(check.assertions, relation),
    );
    if (same === undefined) {
      const parts = values === undefined ? { user, object } : { user, object, context: values };
      checks.push({ ...parts, assertions: { [relation]: expectation } });
    } else same.assertions[relation] = expectation;
  }
  return checks;
}
