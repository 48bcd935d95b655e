/** An identity file, compiled and held together: issuers and their maps, and whose names can meet. */
import { type IssuerConfig, issuerDefaults, issuerFault } from '../issuer.ts';
import { compileMap } from './compile-map.ts';
import type { CompiledIdentity, CompiledIssuer, CompiledMap } from './compiled.ts';
import type { IdentityFile, IssuerEntry } from './file.ts';
import { type FileFault, type FilePath, IdentityFileError } from './file-fault.ts';
import { meetingNames } from './namespaces.ts';
import { readIdentityFile } from './read-file.ts';

/** Throws an IdentityFileError that names every fault. */
export function compileIdentity(text: string): CompiledIdentity {
  const { file, faultAt } = readIdentityFile(text);
  const faults: FileFault[] = [];
  const complain = (path: FilePath, message: string) => {
    faults.push(faultAt(path, message));
  };
  const maps = new Map(
    Object.entries(file.maps).map(([name, entry]) => [name, compileMap(name, entry, complain)]),
  );
  const issuers = new Map<string, CompiledIssuer>();
  for (const [i, entry] of file.issuers.entries()) {
    const path = ['issuers', i];
    const config = issuerConfig(entry);
    const map = maps.get(entry.map);
    const fault = issuerFault(config) ?? issuerEntryFault(file, issuers, maps, entry);
    if (fault !== undefined) complain(path, fault);
    if (map !== undefined) {
      issuers.set(entry.issuer, { config, map, roles: entry.roles ?? [], path });
    }
  }
  complainOfRepeated(file, complain);
  for (const { path, message } of meetingNames(file, issuers)) complain(path, message);
  if (faults.length > 0) throw new IdentityFileError(faults.toSorted((a, b) => a.line - b.line));
  return {
    issuers,
    maps,
    scopes: new Map(Object.entries(file.scopes ?? {})),
    ceilings: file.scope_ceiling ?? [],
    stepUps: file.step_up ?? [],
    binding: file.subject_binding ?? 'verify',
    faultAt,
  };
}

function issuerConfig(entry: IssuerEntry): IssuerConfig {
  const { clock_tolerance, max_token_age } = entry;
  return {
    issuer: entry.issuer,
    jwksUri: entry.jwks_uri ?? issuerDefaults.jwksUri,
    audiences: entry.audiences,
    tokenTypes: entry.token_types ?? issuerDefaults.tokenTypes,
    algorithms: entry.algorithms ?? issuerDefaults.algorithms,
    clockToleranceMs: millisecondsOf(clock_tolerance) ?? issuerDefaults.clockToleranceMs,
    maxTokenAgeMs: millisecondsOf(max_token_age) ?? issuerDefaults.maxTokenAgeMs,
    use: entry.use ?? issuerDefaults.use,
  };
}

const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** REQUIRES: the schema let it pass. */
function millisecondsOf(duration: string | undefined): number | undefined {
  const [, count, unit = ''] = /^(\d+)([a-z]+)$/.exec(duration ?? '') ?? [];
  return count === undefined ? undefined : Number(count) * (units[unit] ?? Number.NaN);
}

function issuerEntryFault(
  file: IdentityFile,
  above: ReadonlyMap<string, unknown>,
  maps: ReadonlyMap<string, CompiledMap>,
  entry: IssuerEntry,
): string | undefined {
  if (above.has(entry.issuer)) return `issuer \`${entry.issuer}\` is named twice`;
  if (!maps.has(entry.map)) {
    return `there is no map \`${entry.map}\`; the file has ${[...maps.keys()].join(', ')}`;
  }
  const roleFault = rolesFault(entry);
  if (roleFault !== undefined) return roleFault;
  const other = entry.same_names_as;
  if (other === undefined) return undefined;
  if (other === entry.issuer) return 'same_names_as names the issuer itself';
  if (file.issuers.some(({ issuer }) => issuer === other)) return undefined;
  return `same_names_as: the file has no issuer \`${other}\``;
}

function rolesFault({ roles = [], use = issuerDefaults.use }: IssuerEntry): string | undefined {
  if (roles.length > 0 && !use.includes('caller')) {
    return 'roles: its tokens are not for callers; add `caller` to `use`';
  }
  return roles.some(({ role, stores }) => role === 'create' && stores !== undefined)
    ? 'roles: `create` is a role on no store in particular; leave `stores` out'
    : undefined;
}

/** Of two demands on one relation it would not be plain which one holds. */
function complainOfRepeated(
  file: IdentityFile,
  complain: (path: FilePath, message: string) => void,
): void {
  const seen = new Set<string>();
  for (const [i, { type, relation }] of (file.step_up ?? []).entries()) {
    const key = `${type}#${relation}`;
    if (seen.has(key)) complain(['step_up', i], `\`${key}\` has an entry already; make them one`);
    seen.add(key);
  }
}
