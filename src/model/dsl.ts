/**
 * Models as people write them: the DSL, modules with their `fga.mod`, and back. The field's own
 * transformer does the work; it takes a tenth of a second to load, so it is loaded when first asked.
 */
import { Refusal } from '../base/errors.ts';
import type { Model } from './model.ts';
import { parseModel } from './parse.ts';
import { sameModel } from './same-model.ts';

/** One problem of a text. `line` and `column` count from 1; 0 where the problem has no place. */
export interface TextProblem {
  /** '' where the text has no file name. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** The text is no model. The message names every problem with its line and column. */
export class ModelTextRefusal extends Refusal {
  readonly problems: readonly TextProblem[];

  constructor(problems: readonly TextProblem[]) {
    super('invalid_authorization_model', problems.map(formatProblem).join('\n'));
    this.problems = problems;
  }
}

export interface ModuleFile {
  readonly name: string;
  readonly text: string;
}

/** The wire's JSON form of a model in DSL text. Its meaning is not checked: see `validate.ts`. */
export async function modelFromDsl(text: string): Promise<unknown> {
  const { transformer } = await loadSyntax();
  return toldByPlace(() => JSON.parse(transformer.transformDSLToJSON(text)) as unknown);
}

/** The files that an `fga.mod` lists, in its order. They are relative, and never lead upwards. */
export async function filesOfModules(modFile: string): Promise<readonly string[]> {
  const { transformer } = await loadSyntax();
  const parsed = toldByPlace(() => transformer.transformModFileToJSON(modFile));
  return parsed.contents.value.map((file) => file.value);
}

/** The wire's JSON form of the model that the modules make together. */
export async function modelFromModules(
  modFile: string,
  files: readonly ModuleFile[],
): Promise<unknown> {
  const { transformer } = await loadSyntax();
  const parsed = toldByPlace(() => transformer.transformModFileToJSON(modFile));
  const modules = parsed.contents.value.map((file) => {
    const found = files.find(({ name }) => name === file.value);
    if (found !== undefined) return { name: found.name, contents: found.text };
    const [line, column] = [file.line.start + 1, file.column.start + 1];
    const message = `the file \`${file.value}\` is missing`;
    throw new ModelTextRefusal([{ file: 'fga.mod', line, column, message }]);
  });
  return toldByPlace(
    () => transformer.transformModuleFilesToModel(modules, parsed.schema.value) as unknown,
  );
}

/**
 * The DSL of a model in the wire's JSON form. Refusal `invalid_authorization_model` where the form is
 * wrong, or where the DSL has no way to say it: `this` anywhere but first, a condition without
 * parameters, some names.
 *
 * ENSURES: the text, read again, is the same model. The transformer prints more than it can read.
 */
export async function modelToDsl(definition: unknown): Promise<string> {
  const model = parseModel(definition);
  const { transformer } = await loadSyntax();
  let again: Model;
  let text: string;
  try {
    text = transformer.transformJSONStringToDSL(JSON.stringify(camelCased(definition)));
    again = parseModel(JSON.parse(transformer.transformDSLToJSON(text)));
  } catch (error) {
    throw notInDsl(error instanceof Error ? error.message : 'it cannot be written');
  }
  if (!sameModel(model, again)) throw notInDsl('as text it would be another model');
  return text;
}

function notInDsl(reason: string): Refusal {
  return new Refusal('invalid_authorization_model', `the model has no form in the DSL: ${reason}`);
}

/** The transformer knows the fields of a rewrite by one spelling alone. */
function camelCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCased);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, nested]) => [spellings.get(key) ?? key, camelCased(nested)]),
  );
}

const spellings: ReadonlyMap<string, string> = new Map([
  ['computed_userset', 'computedUserset'],
  ['tuple_to_userset', 'tupleToUserset'],
  ['schemaVersion', 'schema_version'],
  ['typeDefinitions', 'type_definitions'],
  ['directlyRelatedUserTypes', 'directly_related_user_types'],
  ['typeName', 'type_name'],
  ['genericTypes', 'generic_types'],
]);

/** The part of the transformer that is used here; its own types do not resolve. */
interface Syntax {
  readonly transformer: {
    transformDSLToJSON(text: string): string;
    transformJSONStringToDSL(json: string): string;
    transformModFileToJSON(text: string): {
      readonly schema: { readonly value: string };
      readonly contents: {
        readonly value: readonly {
          readonly value: string;
          readonly line: { readonly start: number };
          readonly column: { readonly start: number };
        }[];
      };
    };
    transformModuleFilesToModel(
      files: readonly { readonly name: string; readonly contents: string }[],
      schemaVersion: string,
    ): unknown;
  };
}

async function loadSyntax(): Promise<Syntax> {
  const loaded: unknown = await import('@openfga/syntax-transformer');
  return (loaded as { default: Syntax }).default;
}

/** The transformer counts lines and columns from 0. */
interface RawProblem {
  readonly msg: string;
  readonly file?: string;
  readonly line?: { readonly start: number };
  readonly column?: { readonly start: number };
}

function toldByPlace<Result>(transform: () => Result): Result {
  try {
    return transform();
  } catch (error) {
    const raw = (error as { readonly errors?: readonly RawProblem[] }).errors;
    const message = error instanceof Error ? error.message : 'the text is no model';
    const problems = raw ?? [{ msg: message }];
    throw new ModelTextRefusal(
      problems.map(({ msg, file = '', line, column }) => ({
        file,
        line: line === undefined ? 0 : line.start + 1,
        column: column === undefined ? 0 : column.start + 1,
        message: msg,
      })),
    );
  }
}

function formatProblem(problem: TextProblem): string {
  const file = problem.file === '' ? '' : `${problem.file}: `;
  if (problem.line === 0) return `${file}${problem.message}`;
  return `${file}line ${problem.line}, column ${problem.column}: ${problem.message}`;
}
