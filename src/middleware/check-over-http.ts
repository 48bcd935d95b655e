/** Checks put to a server: any with OpenFGA's HTTP API, or one of Pemba with an identity file. */
import { Refusal } from '../base/errors.ts';
import { isJsonObject } from '../base/json.ts';
import { isModelId, isStoreId } from '../model/ids.ts';
import type { Check, TokenCheck } from './permission.ts';

export interface CheckServer {
  /** As `https://fga.example.com`; it may have a path. */
  readonly url: string;
  readonly storeId: string;
  /** Best given: without it a check is answered by the store's latest model. */
  readonly modelId?: string;
  /** The bearer token for the server, asked for with each check, so that it can change. */
  readonly apiToken?: () => string | Promise<string>;
}

/**
 * For any server with OpenFGA's API: what the token says goes along as contextual tuples and context.
 * Throws a Refusal, when the application starts, for what cannot name a server and a store.
 */
export function checkOverHttp(server: CheckServer): Check {
  const post = poster(server);
  return async ({ subject, relation, object, contextualTuples, context, signal }) => {
    const tuple_key = { user: subject, relation, object };
    const contextual_tuples = { tuple_keys: contextualTuples };
    return (await post({ tuple_key, contextual_tuples, context }, {}, signal)).allowed;
  };
}

/**
 * For a server of Pemba that has the identity file: the token goes along, and the server does the
 * rest, `authority`, `scope_ceiling` and `step_up` among it. Throws as `checkOverHttp`.
 */
export function checkByPemba(server: CheckServer): TokenCheck {
  const post = poster(server);
  return {
    async checkToken({ token, subject, relation, object, context, signal }) {
      const tuple_key = { user: subject, relation, object };
      const headers = { 'pemba-subject-token': token };
      const { allowed, answered } = await post({ tuple_key, context }, headers, signal);
      // Another server would pass over the token, and answer a question that is not this one.
      if (!answered.has('pemba-consistency-token')) throw new Error('this is no server of Pemba');
      const challenge = answered.get('pemba-step-up');
      return challenge === null ? { allowed } : { allowed, challenge };
    },
  };
}

interface Answer {
  readonly allowed: boolean;
  readonly answered: Headers;
}

function poster({ url, storeId, modelId, apiToken }: CheckServer) {
  if (!URL.canParse(url)) throw new Refusal('validation_error', `\`${url}\` is no URL`);
  if (!isStoreId(storeId)) throw new Refusal('validation_error', `\`${storeId}\` is no store id`);
  if (modelId !== undefined && !isModelId(modelId))
    throw new Refusal('validation_error', `\`${modelId}\` is no model id`);
  const endpoint = `${url.replace(/\/$/, '')}/stores/${storeId}/check`;
  const model = modelId === undefined ? {} : { authorization_model_id: modelId };
  return async (body: object, headers: object, signal: AbortSignal): Promise<Answer> => {
    const token = await apiToken?.();
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(endpoint, {
      method: 'POST',
      // Not followed: the tokens are for this server alone.
      redirect: 'error',
      signal,
      headers: { 'content-type': 'application/json', ...authorization, ...headers },
      body: JSON.stringify({ ...body, ...model }),
    });
    const allowed = allowedOf(response.status, await response.text());
    return { allowed, answered: response.headers };
  };
}

/** Of what the server says else only the name of its error is told: the rest can hold claims. */
function allowedOf(status: number, text: string): boolean {
  const answer = parse(text);
  if (status === 200 && isJsonObject(answer) && typeof answer.allowed === 'boolean') {
    return answer.allowed;
  }
  const code = isJsonObject(answer) ? answer.code : undefined;
  const named = typeof code === 'string' && /^[a-z_]{1,100}$/.test(code) ? ` ${code}` : '';
  throw new Error(`the server of the check answered ${status}${named}`);
}

/** The error of `JSON.parse` quotes what it was given. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
