/** The unary methods by name, JSON in and JSON out: the API without a transport, for use in process. */
import { fromJson, toJson } from '@bufbuild/protobuf';
import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { Refusal } from '../base/errors.ts';
import type { JsonObject, JsonValue } from '../base/json.ts';
import { limits } from '../base/limits.ts';
import { type Method, noCredentials } from './call.ts';

/**
 * Names are those of `openfga.v1`, where both packages have one. Throws a `Refusal` for a request that
 * is not of the method's form, and whatever the method throws.
 */
export type JsonCall = (method: string, request: JsonObject) => Promise<JsonValue>;

export function createJsonCall(methods: readonly Method[], clock: Clock): JsonCall {
  // The first one of a name stays.
  const byName = new Map(methods.toReversed().map((method) => [method.descriptor.name, method]));
  let calls = 0;
  return async (name, json) => {
    const method = byName.get(name);
    assert(method?.kind === 'unary', `${name} is a unary method`);
    const { input, output, parent } = method.descriptor;
    const response = await method.handle(decode(input, json), {
      method: `${parent.typeName}/${name}`,
      requestId: `in-process-${++calls}`,
      deadline: clock.monotonic() + limits.requestTimeoutMs,
      signal: undefined,
      consistencyToken: '',
      credentials: noCredentials,
      principal: undefined,
      responseHeaders: {},
    });
    return toJson(output, response, { alwaysEmitImplicit: true });
  };
}

function decode(input: Parameters<typeof fromJson>[0], json: JsonObject) {
  try {
    return fromJson(input, json as Parameters<typeof fromJson>[1], {
      // As over HTTP: a newer client may know more.
      ignoreUnknownFields: true,
    });
  } catch (error) {
    throw new Refusal('validation_error', (error as Error).message, {
      cause: error,
      malformedRequest: true,
    });
  }
}
