/** Model files: DSL (`.fga`), JSON, and modules (`fga.mod`); read for a server, or judged here. */
import { basename } from 'node:path';
import { Refusal } from '../../src/base/errors.ts';
import { isJsonObject } from '../../src/base/json.ts';
import {
  filesOfModules,
  ModelTextRefusal,
  type ModuleFile,
  modelFromDsl,
  modelFromModules,
  modelToDsl as toDsl,
} from '../../src/model/dsl.ts';
import { parseModel } from '../../src/model/parse.ts';
import { type ModelFault, validateModel } from '../../src/model/validate.ts';
import { Failure } from '../exit-codes.ts';
import type { WireModel } from '../wire.ts';
import { readText } from './lines.ts';
import { placeInDsl, placeInJson } from './model-places.ts';
import { folderOf, resolveReference, type Within } from './references.ts';

export type ModelFormat = 'fga' | 'json' | 'modular';

/** A fault and where it is; no line where it lies in no one place. */
export interface PlacedFault {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
}

interface Source {
  readonly file: string;
  readonly text: string;
  readonly format: 'fga' | 'json';
  /** Lines above the text in its file: a model may stand inside a store file. */
  readonly linesAbove: number;
}

type Read =
  | { readonly model: WireModel; readonly sources: readonly Source[] }
  | { readonly faults: readonly PlacedFault[] };

export function modelFormatOf(file: string): ModelFormat {
  if (basename(file) === 'fga.mod' || file.endsWith('.mod')) return 'modular';
  return file.endsWith('.json') ? 'json' : 'fga';
}

/** The model of a file, for a server to judge. A text that is no model throws a Failure. */
export async function loadModel(
  file: string,
  format: ModelFormat | undefined,
  within?: Within,
): Promise<WireModel> {
  return modelOf(await readModel(file, format ?? modelFormatOf(file), within));
}

/** The model that stands as text in another file, from this line on. */
export async function loadModelText(
  file: string,
  text: string,
  firstLine: number,
): Promise<WireModel> {
  const format = text.trimStart().startsWith('{') ? 'json' : 'fga';
  return modelOf(await readSource({ file, text, format, linesAbove: firstLine - 1 }));
}

/** Every fault of a model file: of its text, or else of what it means. Empty if it may be written. */
export async function judgeModelFile(
  file: string,
  format: ModelFormat | undefined,
): Promise<readonly PlacedFault[]> {
  const read = await readModel(file, format ?? modelFormatOf(file), undefined);
  if ('faults' in read) return read.faults;
  const place = (fault: ModelFault): PlacedFault => placeOf(file, read.sources, fault);
  try {
    return validateModel(parseModel(read.model)).map(place);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return [place({ message: error.message })];
  }
}

/** ENSURES: a model that the DSL cannot say throws a Failure. */
export async function modelToDsl(model: WireModel): Promise<string> {
  try {
    return await toDsl(model);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Failure('failed', error.message, { hint: '--format json prints it' });
  }
}

async function readModel(file: string, format: ModelFormat, within: Within): Promise<Read> {
  const text = await readText(file);
  if (format === 'modular') return await readModules(file, text, within);
  return await readSource({ file, text, format, linesAbove: 0 });
}

async function readSource(source: Source): Promise<Read> {
  if (source.format === 'json') return readJson(source);
  try {
    const model = (await modelFromDsl(source.text)) as WireModel;
    return { model, sources: [source] };
  } catch (error) {
    return { faults: faultsOf(error, source.file, source.linesAbove) };
  }
}

async function readJson(source: Source): Promise<Read> {
  const { file, text, linesAbove } = source;
  let model: unknown;
  try {
    model = JSON.parse(text);
  } catch (error) {
    const { faultLineOf } = await import('./json-line.ts');
    const message = `is not JSON: ${(error as Error).message.replaceAll(/\s+/g, ' ')}`;
    return { faults: [{ file, line: linesAbove + faultLineOf(text), message }] };
  }
  if (isJsonObject(model)) return { model: model as unknown as WireModel, sources: [source] };
  return { faults: [{ file, line: linesAbove + 1, message: 'a model must be a JSON object' }] };
}

/** The modules must lie below the folder of `fga.mod`, or wherever the caller's own files may. */
async function readModules(file: string, text: string, within: Within): Promise<Read> {
  try {
    const files: ModuleFile[] = [];
    const sources: Source[] = [];
    for (const name of await filesOfModules(text)) {
      const path = resolveReference(file, name, within ?? folderOf(file));
      const module = await readText(path);
      files.push({ name, text: module });
      sources.push({ file: path, text: module, format: 'fga', linesAbove: 0 });
    }
    return { model: (await modelFromModules(text, files)) as WireModel, sources };
  } catch (error) {
    return { faults: faultsOf(error, file, 0) };
  }
}

function faultsOf(error: unknown, file: string, linesAbove: number): readonly PlacedFault[] {
  if (!(error instanceof ModelTextRefusal)) throw error;
  return error.problems.map(({ file: named, line, column, message }) => {
    const where = named === '' ? file : named;
    return line === 0
      ? { file: where, message }
      : { file: where, line: linesAbove + line, column, message };
  });
}

function modelOf(read: Read): WireModel {
  if ('model' in read) return read.model;
  const lines = read.faults.map(describeFault);
  const list = lines.length === 1 ? lines[0] : `${lines.length} faults\n  ${lines.join('\n  ')}`;
  throw new Failure('input', String(list), { code: 'invalid_authorization_model' });
}

export function describeFault({ file, line, column, message }: PlacedFault): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  return `${place}: ${message}`;
}

function placeOf(file: string, sources: readonly Source[], fault: ModelFault): PlacedFault {
  const { message } = fault;
  for (const source of sources) {
    const { text, format, linesAbove } = source;
    const place = format === 'json' ? placeInJson(text, fault) : placeInDsl(text, fault);
    if (place === undefined) continue;
    return { file: source.file, line: linesAbove + place.line, column: place.column, message };
  }
  return { file, message };
}
