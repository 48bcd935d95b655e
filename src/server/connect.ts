/**
 * Connect and gRPC-Web, by connect-node; plain unary Connect calls, the hot ones among them, are
 * answered before they reach its router, at a fraction of its cost.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { fromBinary, type Message, toJsonString } from '@bufbuild/protobuf';
import {
  type ConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
} from '@connectrpc/connect';
import { codeToHttpStatus, errorToJsonBytes } from '@connectrpc/connect/protocol-connect';
import { compressionGzip, connectNodeAdapter } from '@connectrpc/connect-node';
import type { GuardedMethod } from '../service/access/guard.ts';
import type { Call, Method } from '../service/call.ts';
import { decodePlain } from '../service/plain-checks.ts';
import { toRefusal } from '../service/status.ts';
import { malformed, parseJson, readBody } from './body.ts';
import { toConnectError } from './connect-error.ts';
import { encodeBinary, jsonTexts } from './encoding.ts';
import {
  consistencyTokenHeader,
  requestIdHeader,
  requestIdOf,
  subjectTokenHeader,
  trailingHeaders,
} from './headers.ts';
import { HttpCall } from './http-call.ts';
import type { HttpOptions } from './http-options.ts';
import { send } from './send.ts';
import { decodeJson } from './transcode.ts';

/** The library does not say whose connection it is. */
const addressKey = createContextKey('', { description: 'address of the connection' });

type UnaryMethod = Extract<GuardedMethod, { kind: 'unary' }>;

export interface ConnectHandler {
  /** REQUIRES: a path without its query. False where the path is no method's. */
  has(path: string): boolean;
  answer(path: string, request: IncomingMessage, response: ServerResponse): void;
}

export function createConnectHandler(options: HttpOptions): ConnectHandler {
  const methods = new Map(options.methods.map((method) => [`/${nameOf(method)}`, method]));
  const router = connectNodeAdapter({
    routes: (routes) => {
      for (const method of options.methods) addMethod(routes, method, options);
    },
    // gRPC proper has a port of its own.
    grpc: false,
    contextValues: (request) =>
      createContextValues().set(addressKey, request.socket?.remoteAddress ?? ''),
    readMaxBytes: options.requestBytesMax,
    acceptCompression: [compressionGzip],
  });
  return {
    has: (path) => methods.has(path),
    answer: (path, request, response) => {
      const method = methods.get(path);
      if (method?.kind === 'unary' && isPlain(request)) {
        // The name is the path without its slash.
        void answerUnary(method, path.slice(1), request, response, options);
      } else {
        router(request, response);
      }
    },
  };
}

function nameOf({ descriptor }: Method): string {
  return `${descriptor.parent.typeName}/${descriptor.name}`;
}

const plainTypes = new Set(['application/json', 'application/proto']);

/** Whatever is out of the ordinary is left to the library. */
function isPlain({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'POST' &&
    plainTypes.has(headers['content-type'] ?? '') &&
    (headers['content-encoding'] ?? 'gzip') === 'gzip' &&
    (headers['connect-protocol-version'] ?? '1') === '1'
  );
}

const encodeText = jsonTexts((schema, message) => toJsonString(schema, message));

async function answerUnary(
  method: UnaryMethod,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
  options: HttpOptions,
): Promise<void> {
  const { input, output } = method.descriptor;
  const call = new HttpCall(name, request, response, options);
  const contentType = request.headers['content-type'] as string;
  const isJson = contentType === 'application/json';
  let message: Message | undefined;
  try {
    const admitted = method.admit(call);
    if (admitted !== undefined) await admitted;
    const body = await readBody(request, options.requestBytesMax);
    message = isJson ? decodeJson(input, parseJson(body)) : decodeBinary(method, body);
    const answered = method.handle(message, call);
    const result = answered instanceof Promise ? await answered : answered;
    send(
      response,
      200,
      call,
      contentType,
      isJson ? encodeText(output, result) : encodeBinary(output, result),
    );
  } catch (error) {
    const refusal = toRefusal(error, call.requestId);
    if (message === undefined) {
      options.observer?.answered(call, call.startedMs, undefined, refusal);
    }
    const connectError = toConnectError(refusal, {});
    for (const [name, value] of connectError.metadata) call.responseHeaders[name] = value;
    const bytes = errorToJsonBytes(connectError, undefined);
    send(response, codeToHttpStatus(connectError.code), call, 'application/json', bytes);
  } finally {
    call.finish();
  }
}

function decodeBinary({ descriptor: { input } }: UnaryMethod, body: Buffer): Message {
  try {
    return decodePlain(input, body) ?? fromBinary(input, body);
  } catch (cause) {
    throw malformed(`the body is no ${input.typeName}: ${(cause as Error).message}`, cause);
  }
}

function addMethod(router: ConnectRouter, method: GuardedMethod, options: HttpOptions): void {
  const { descriptor } = method;
  // The library's own types tie a handler to its message; here the descriptor does.
  const rpc = router.rpc as (descriptor: unknown, implementation: unknown) => void;
  if (method.kind === 'unary') {
    rpc(descriptor, async (request: Message, context: HandlerContext) => {
      const call = callOf(method, context, options);
      try {
        const answer = await method.handle(request, call);
        copyHeaders(call, context);
        return answer;
      } catch (error) {
        throw toConnectError(toRefusal(error, call.requestId), call.responseHeaders);
      }
    });
    return;
  }
  rpc(descriptor, async function* (request: Message, context: HandlerContext) {
    const call = callOf(method, context, options);
    try {
      let first = true;
      for await (const message of method.handle(request, call)) {
        if (first) copyHeaders(call, context);
        first = false;
        yield message;
      }
      if (first) copyHeaders(call, context);
      for (const name of trailingHeaders) {
        const value = call.responseHeaders[name];
        if (value !== undefined) context.responseTrailer.set(name, value);
      }
    } catch (error) {
      throw toConnectError(toRefusal(error, call.requestId), call.responseHeaders);
    }
  });
}

function callOf(method: Method, context: HandlerContext, options: HttpOptions): Call {
  const { requestHeader } = context;
  const requestId = requestIdOf(requestHeader.get(requestIdHeader) ?? undefined);
  const timeoutMs = Math.min(
    options.requestTimeoutMs,
    context.timeoutMs() ?? options.requestTimeoutMs,
  );
  return {
    method: nameOf(method),
    requestId,
    deadline: options.clock.monotonic() + timeoutMs,
    signal: context.signal,
    consistencyToken: requestHeader.get(consistencyTokenHeader) ?? '',
    credentials: {
      authorization: requestHeader.get('authorization') ?? '',
      subjectToken: requestHeader.get(subjectTokenHeader) ?? '',
      address: context.values.get(addressKey),
    },
    principal: undefined,
    responseHeaders: { [requestIdHeader]: requestId },
  };
}

function copyHeaders(call: Call, context: HandlerContext): void {
  for (const [name, value] of Object.entries(call.responseHeaders)) {
    context.responseHeader.set(name, value);
  }
}
