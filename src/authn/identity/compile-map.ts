/** One map of an identity file, with its expressions compiled. */
import { limits } from '../../base/limits.ts';
import type { CompiledMap, CompiledReference, CompiledTuple } from './compiled.ts';
import { type CompiledExpression, compileExpression, type Wanted } from './expression.ts';
import type { MapEntry, ReferenceEntry, TupleEntry } from './file.ts';
import { type FilePath, formatPath } from './file-fault.ts';

export type Complain = (path: FilePath, message: string) => void;

/** What is wrong goes to `complain`; the map is to be thrown away then. */
export function compileMap(name: string, entry: MapEntry, complain: Complain): CompiledMap {
  return new MapCompiler(complain).map(name, entry);
}

class MapCompiler {
  readonly #complain: Complain;

  constructor(complain: Complain) {
    this.#complain = complain;
  }

  map(name: string, entry: MapEntry): CompiledMap {
    const path = ['maps', name];
    const { actor } = entry;
    const context = Object.entries(entry.context ?? {}).map(([key, text]) => {
      const compiled = this.#expression(text, 'json', [...path, 'context', key], false);
      return [key, compiled] as const;
    });
    return {
      name,
      path,
      requirement: this.#optional(entry.require, 'bool', [...path, 'require'], false),
      subject: this.#reference(entry.subject, [...path, 'subject'], false),
      actor: actor && {
        ...this.#reference(actor, [...path, 'actor'], false),
        mode: actor.mode ?? 'both',
      },
      tuples: (entry.tuples ?? []).map((tuple, i) => this.#tuple(tuple, [...path, 'tuples', i])),
      context: new Map(context),
    };
  }

  #tuple(entry: TupleEntry, path: FilePath): CompiledTuple {
    const below = entry.each !== undefined;
    return {
      path,
      place: formatPath(path),
      each: this.#optional(entry.each, 'list', [...path, 'each'], false),
      when: this.#optional(entry.when, 'bool', [...path, 'when'], below),
      relation: entry.relation,
      object: this.#reference(entry.object, [...path, 'object'], below),
      max: entry.max ?? limits.mappedEntriesDefault,
      overage: entry.overage ?? 'deny',
      authority: entry.authority ?? 'union',
    };
  }

  #reference(entry: ReferenceEntry, path: FilePath, below: boolean): CompiledReference {
    const texts = typeof entry.id === 'string' ? [entry.id] : entry.id;
    const place = [...path, 'id'];
    return {
      path,
      place: formatPath(place),
      type: entry.type,
      namespace: entry.namespace,
      parts: texts.map((text, i) =>
        this.#expression(text, 'id', typeof entry.id === 'string' ? place : [...place, i], below),
      ),
    };
  }

  #optional(
    text: string | undefined,
    wanted: Wanted,
    path: FilePath,
    below: boolean,
  ): CompiledExpression | undefined {
    return text === undefined ? undefined : this.#expression(text, wanted, path, below);
  }

  #expression(text: string, wanted: Wanted, path: FilePath, below: boolean): CompiledExpression {
    const place = formatPath(path);
    const compiled = compileExpression(text, wanted, place, below);
    if ('evaluate' in compiled) return compiled;
    for (const { message, offset } of compiled) {
      this.#complain(path, `\`${text}\`, character ${offset + 1}: ${message}`);
    }
    return { place, text, reads: new Set(), evaluate: () => undefined };
  }
}
