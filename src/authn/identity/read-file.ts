/** The text of an identity file, read as YAML and held against its JSON Schema. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { isMap, isNode, LineCounter, parseDocument } from 'yaml';
import schema from '../../../schemas/pemba.identity.schema.json' with { type: 'json' };
import { byteLength } from '../../base/bytes.ts';
import { limits } from '../../base/limits.ts';
import type { IdentityFile } from './file.ts';
import { type FileFault, type FilePath, formatPath, IdentityFileError } from './file-fault.ts';

export interface ReadFile {
  readonly file: IdentityFile;
  faultAt(path: FilePath, message: string): FileFault;
}

/** Throws an IdentityFileError that names every fault. */
export function readIdentityFile(text: string): ReadFile {
  if (byteLength(text) > limits.identityFileBytesMax) {
    const message = `it has more than ${limits.identityFileBytesMax} bytes`;
    throw new IdentityFileError([{ path: '', line: 1, message }]);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  // A warning is about a tag that YAML does not know: the value would be another than is meant.
  const faults = [...document.errors, ...document.warnings].map(({ message, pos }) => ({
    path: '',
    line: lines.linePos(pos[0]).line,
    message,
  }));
  if (faults.length > 0) throw new IdentityFileError(faults);

  const faultAt = (path: FilePath, message: string): FileFault => ({
    path: formatPath(path),
    line: lines.linePos(offsetOf(document.contents, path)).line,
    message,
  });
  const value = plainOf(document);
  isIdentityFile ??= compileSchema();
  if (!isIdentityFile(value)) {
    throw new IdentityFileError(schemaFaults(isIdentityFile.errors ?? [], faultAt));
  }
  return { file: value, faultAt };
}

/** Compiled for the first file: it takes a tenth of a second, and most servers have none. */
let isIdentityFile: ValidateFunction<IdentityFile> | undefined;

function compileSchema(): ValidateFunction<IdentityFile> {
  const ajv = new Ajv2020({
    allErrors: true,
    strict: true,
    strictRequired: false,
    allowUnionTypes: true,
    verbose: true,
  });
  return ajv.compile<IdentityFile>(schema);
}

/** Aliases may repeat a value, but not blow it up. */
function plainOf(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    const message = error instanceof ReferenceError ? error.message : 'it is no plain data';
    throw new IdentityFileError([{ path: '', line: 1, message }]);
  }
}

/** Where the key of the path stands, or the nearest one above it that is there. */
function offsetOf(contents: unknown, path: FilePath): number {
  let node = contents;
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const key of path) {
    const pair = isMap(node) ? node.items.find((item) => String(item.key) === key) : undefined;
    if (isNode(pair?.key)) offset = pair.key.range?.[0] ?? offset;
    node = hasGet(node) ? node.get(key, true) : undefined;
    if (pair === undefined && isNode(node)) offset = node.range?.[0] ?? offset;
  }
  return offset;
}

function hasGet(node: unknown): node is { get(key: unknown, keep: true): unknown } {
  return typeof node === 'object' && node !== null && 'get' in node;
}

function schemaFaults(
  errors: readonly ErrorObject[],
  faultAt: ReadFile['faultAt'],
): readonly FileFault[] {
  const faults = errors
    // What is said of the parts of an `anyOf`, and of a name as a mere text, is said once above.
    .filter(({ schemaPath, propertyName }) => !schemaPath.includes('/anyOf/') && !propertyName)
    .map((error) => faultAt(pathOf(error), messageOf(error)));
  return faults.toSorted((a, b) => a.line - b.line);
}

function pathOf({ instancePath, keyword, params }: ErrorObject): FilePath {
  const keys = instancePath
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((key) => (/^\d+$/.test(key) ? Number(key) : key));
  if (keyword === 'additionalProperties') return [...keys, String(params.additionalProperty)];
  if (keyword === 'propertyNames') return [...keys, String(params.propertyName)];
  return keys;
}

function messageOf(error: ErrorObject): string {
  const { keyword, params, parentSchema } = error;
  const wanted: unknown = parentSchema?.description;
  switch (keyword) {
    case 'additionalProperties':
      return `no such key; known here are ${Object.keys(parentSchema?.properties ?? {}).join(', ')}`;
    case 'propertyNames':
      return `no such name; wanted is ${nameWanted(parentSchema)}`;
    case 'required':
      return `\`${params.missingProperty}\` is missing`;
    case 'anyOf':
      return 'it demands nothing; name one of acr_any, amr_all, amr_any, max_age';
    case 'dependentRequired':
      return '`max` is for rules with `each`';
    case 'const':
    case 'enum':
    case 'pattern':
    case 'type':
      if (typeof wanted === 'string') return `${shown(error.data)} is not ${wanted}`;
      break;
  }
  const hint = typeof wanted === 'string' ? `; wanted is ${wanted}` : '';
  return `${shown(error.data)} ${error.message}${hint}`;
}

function nameWanted(parentSchema: ErrorObject['parentSchema']): string {
  const { $ref, description } = parentSchema?.propertyNames ?? {};
  const { mapName, methodName } = schema.$defs;
  const named = [mapName, methodName].find((_, i) => $ref === namedRules[i]);
  return String(description ?? named?.description);
}

const namedRules = ['#/$defs/mapName', '#/$defs/methodName'];

function shown(value: unknown): string {
  if (Array.isArray(value)) return 'the list';
  if (typeof value === 'object' && value !== null) return 'the map';
  const text = String(value);
  return `\`${text.length > 60 ? `${text.slice(0, 60)}…` : text}\``;
}
