/** The only reader of the environment in the CLI: which variables count, and which one wins. */

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

/** An empty variable counts as unset: shells make it hard to tell the two apart. */
function firstOf(names: readonly string[]): string | undefined {
  return names
    .map((name) => process.env[name])
    .find((value) => value !== undefined && value !== '');
}
