/**
 * Whether names of different issuers, or different kinds of names, could meet in one id. The same
 * `sub` at two issuers is two people, and a group of one is none of the other's.
 */
import type { CompiledIssuer, CompiledMap, CompiledReference } from './compiled.ts';
import type { IdentityFile } from './file.ts';
import { type FilePath, formatPath } from './file-fault.ts';

export interface Meeting {
  readonly path: FilePath;
  readonly message: string;
}

export function meetingNames(
  file: IdentityFile,
  issuers: ReadonlyMap<string, CompiledIssuer>,
): readonly Meeting[] {
  const ofSubjects = [...issuers.values()].filter(({ config }) => config.use.includes('subject'));
  return [...mixedNames(ofSubjects), ...sharedNames(file, ofSubjects)];
}

/** With a namespace on some ids of a type only, a claim `corp|x` would read as `x` of `corp`. */
function mixedNames(issuers: readonly CompiledIssuer[]): Meeting[] {
  const meetings: Meeting[] = [];
  const namespaced = new Map<string, CompiledReference>();
  const references = [...new Set(issuers.map(({ map }) => map))].flatMap(referencesOf);
  for (const reference of references) {
    if (reference.namespace !== undefined) namespaced.set(reference.type, reference);
  }
  for (const { type, namespace, path } of references) {
    const other = namespaced.get(type);
    if (namespace !== undefined || other === undefined) continue;
    meetings.push({
      path,
      message:
        `ids of \`${type}\` have a namespace at \`${other.place}\` and none here, so that ` +
        'the two could meet; give every one a namespace or none',
    });
  }
  return meetings;
}

function sharedNames(file: IdentityFile, issuers: readonly CompiledIssuer[]): Meeting[] {
  const meetings: Meeting[] = [];
  const firsts = new Map<string, CompiledIssuer>();
  for (const issuer of issuers) {
    for (const { type, namespace = '' } of referencesOf(issuer.map)) {
      const key = `${type} ${namespace}`;
      const first = firsts.get(key) ?? issuer;
      firsts.set(key, first);
      if (first === issuer || familyOf(file, first) === familyOf(file, issuer)) continue;
      const names = namespace === '' ? 'without a namespace' : `in the namespace \`${namespace}\``;
      meetings.push({
        path: issuer.path,
        message:
          `\`${formatPath(first.path)}\` and this issuer both name a \`${type}\` ${names}, so ` +
          'that the same claim of either would be the same object; give each a map with a ' +
          'namespace of its own, or `same_names_as` if they mean the same people and groups',
      });
      break;
    }
  }
  return meetings;
}

/** The issuer that stands for all that mean the same names. */
function familyOf(file: IdentityFile, { config }: CompiledIssuer): string {
  const seen = new Set<string>();
  const follow = (issuer: string): void => {
    if (seen.has(issuer)) return;
    seen.add(issuer);
    for (const entry of file.issuers) {
      if (entry.issuer === issuer && entry.same_names_as !== undefined) follow(entry.same_names_as);
      if (entry.same_names_as === issuer) follow(entry.issuer);
    }
  };
  follow(config.issuer);
  return [...seen].sort()[0] ?? config.issuer;
}

/** Tuples that only the store knows are never made here. */
function referencesOf(map: CompiledMap): CompiledReference[] {
  const objects = map.tuples.filter(({ authority }) => authority !== 'store');
  return [
    map.subject,
    ...(map.actor === undefined ? [] : [map.actor]),
    ...objects.map(({ object }) => object),
  ];
}
