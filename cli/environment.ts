/** The only reader of the environment in the CLI: which variables count, and which one wins. */
import { existsSync, mkdirSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

export interface Environment {
  readonly apiUrl: string | undefined;
  readonly apiToken: string | undefined;
  readonly storeId: string | undefined;
  readonly modelId: string | undefined;
}

/** Each setting by our name first, then by the one that OpenFGA's `fga` reads. */
export const variables = {
  apiUrl: ['PEMBA_API_URL', 'FGA_API_URL'],
  apiToken: ['PEMBA_API_TOKEN', 'FGA_API_TOKEN'],
  storeId: ['PEMBA_STORE_ID', 'FGA_STORE_ID'],
  modelId: ['PEMBA_MODEL_ID', 'FGA_MODEL_ID'],
} as const satisfies Record<keyof Environment, readonly string[]>;

export function readEnvironment(): Environment {
  return {
    apiUrl: firstOf(variables.apiUrl),
    apiToken: firstOf(variables.apiToken),
    storeId: firstOf(variables.storeId),
    modelId: firstOf(variables.modelId),
  };
}

/**
 * Keeps compiled code in the user's cache folder, which nobody else may write to, or where
 * NODE_COMPILE_CACHE says. Where that cannot be, every start compiles anew.
 */
export function keepCompiledCode(): void {
  if (firstOf(['NODE_COMPILE_CACHE']) !== undefined) return;
  const folder = cacheFolder();
  if (folder === undefined || enableCompileCache(folder).directory === undefined) return;
  // Threads that this process starts read it there.
  process.env.NODE_COMPILE_CACHE = folder;
}

function cacheFolder(): string | undefined {
  try {
    // A user that the system does not know has no home: that throws.
    const caches = firstOf(['XDG_CACHE_HOME']) ?? join(homedir(), '.cache');
    // A folder of the project that somebody happens to stand in is no place for it.
    if (!isAbsolute(caches)) return undefined;
    const folder = join(caches, 'pemba');
    // One by one: Node goes round and round where it makes several in a place like /proc.
    for (const path of [caches, folder]) if (!existsSync(path)) mkdirSync(path, { mode: 0o700 });
    return folder;
  } catch {
    return undefined;
  }
}

/** An empty variable counts as unset: shells make it hard to tell the two apart. */
function firstOf(names: readonly string[]): string | undefined {
  return names
    .map((name) => process.env[name])
    .find((value) => value !== undefined && value !== '');
}
