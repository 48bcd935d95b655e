/** A check put to a server with OpenFGA's HTTP API: Pemba's or another. */
import { Refusal } from '../base/errors.ts';
import { isJsonObject } from '../base/json.ts';
import { isModelId, isStoreId } from '../model/ids.ts';
import type { Check, CheckQuestion } from './permission.ts';

export interface CheckServer {
  /** As `https://fga.example.com`; it may have a path. */
  readonly url: string;
  readonly storeId: string;
  /** Best given: without it a check is answered by the store's latest model. */
  readonly modelId?: string;
  /** The bearer token for the server, asked for with each check, so that it can change. */
  readonly apiToken?: () => string | Promise<string>;
}

/** Throws a Refusal, when the application starts, for what cannot name a server and a store. */
export function checkOverHttp(server: CheckServer): Check {
  const { url, storeId, modelId, apiToken } = server;
  if (!URL.canParse(url)) throw new Refusal('validation_error', `\`${url}\` is no URL`);
  if (!isStoreId(storeId)) throw new Refusal('validation_error', `\`${storeId}\` is no store id`);
  if (modelId !== undefined && !isModelId(modelId))
    throw new Refusal('validation_error', `\`${modelId}\` is no model id`);
  const endpoint = `${url.replace(/\/$/, '')}/stores/${storeId}/check`;
  return async (question) => {
    const token = await apiToken?.();
    const response = await fetch(endpoint, {
      method: 'POST',
      // Not followed: the token is for this server alone.
      redirect: 'error',
      signal: question.signal,
      headers: {
        'content-type': 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(requestOf(question, modelId)),
    });
    return answerOf(response.status, await response.text());
  };
}

function requestOf(question: CheckQuestion, modelId: string | undefined): object {
  const { subject, relation, object, contextualTuples, context } = question;
  return {
    tuple_key: { user: subject, relation, object },
    contextual_tuples: { tuple_keys: contextualTuples },
    context,
    ...(modelId === undefined ? {} : { authorization_model_id: modelId }),
  };
}

/** Of what the server says else only the name of its error is told: the rest can hold claims. */
function answerOf(status: number, text: string): boolean {
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
