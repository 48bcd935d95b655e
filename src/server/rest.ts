/** Answers REST calls: unary ones in one body, streams as one line of JSON a message. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Message } from '@bufbuild/protobuf';
import { Refusal } from '../base/errors.ts';
import type { Method } from '../service/call.ts';
import { httpStatus, toRefusal, wireCode } from '../service/status.ts';
import { BodyTooLarge, parseJson, receiveBody } from './body.ts';
import { classCode } from './connect-error.ts';
import { drained } from './drained.ts';
import { jsonTexts } from './encoding.ts';
import { truncatedHeader } from './headers.ts';
import { HttpCall } from './http-call.ts';
import type { HttpOptions } from './http-options.ts';
import type { Route } from './routes.ts';
import { send } from './send.ts';
import { decodeRequest, encodeJson } from './transcode.ts';

const json = 'application/json';

/**
 * REQUIRES: `values` are the path's, in the order of the route's path fields. Nothing on the way to the
 * answer of a check is waited for once its body is there, and so no promise is made.
 */
export function answerRest(
  route: Route,
  values: readonly string[],
  query: string,
  request: IncomingMessage,
  response: ServerResponse,
  options: HttpOptions,
): void {
  const call = new HttpCall(route.name, request, response, options);
  const refuseUnread = (error: unknown) => {
    const refusal = toRefusal(error, call.requestId);
    options.observer?.answered(call, call.startedMs, undefined, refusal);
    refuse(response, call, refusal);
    call.finish();
  };
  const answer = (body?: Buffer) => {
    let message: Message;
    try {
      const source = body === undefined ? { query } : { body: parseJson(body) };
      message = decodeRequest(route, values, source);
    } catch (error) {
      refuseUnread(error);
      return;
    }
    answerMessage(route, message, call, response);
  };
  const receive = () => {
    if (route.hasBody) receiveBody(request, options.requestBytesMax, answer, refuseUnread);
    else answer();
  };
  // Who calls comes before what is asked: a stranger's body is not even read.
  let admitted: void | Promise<void>;
  try {
    admitted = route.method.admit(call);
  } catch (error) {
    refuseUnread(error);
    return;
  }
  if (admitted === undefined) receive();
  else void admitted.then(receive, refuseUnread);
}

function answerMessage(
  route: Route,
  message: Message,
  call: HttpCall,
  response: ServerResponse,
): void {
  const { method } = route;
  const answering =
    method.kind === 'unary'
      ? answerUnary(route, method, message, call, response)
      : answerStream(method, message, call, response);
  if (answering === undefined) call.finish();
  else void answering.finally(() => call.finish());
}

const encodeText = jsonTexts((schema, message) => JSON.stringify(encodeJson(schema, message)));

type Of<Kind extends Method['kind']> = Extract<Method, { kind: Kind }>;

/** At once, where the answer is there at once. */
function answerUnary(
  { status }: Route,
  method: Of<'unary'>,
  message: Message,
  call: HttpCall,
  response: ServerResponse,
): Promise<void> | undefined {
  const answer = (result: Message) => {
    if (status === 204) send(response, status, call, undefined, '');
    else send(response, status, call, json, encodeText(method.descriptor.output, result));
  };
  const fail = (error: unknown) => refuse(response, call, toRefusal(error, call.requestId));
  try {
    const result = method.handle(message, call);
    if (result instanceof Promise) return result.then(answer).catch(fail);
    answer(result);
  } catch (error) {
    fail(error);
  }
  return undefined;
}

/** `{"code":"type_not_found","message":"…"}`, under the status of the code. */
export function refuse(response: ServerResponse, call: HttpCall, refusal: Refusal): void {
  const status = refusal instanceof BodyTooLarge ? 413 : httpStatus(refusal);
  const body = { code: wireCode(refusal), message: refusal.message };
  send(response, status, call, json, JSON.stringify(body));
}

/** `{"result":{…}}` for each message. */
async function answerStream(
  method: Of<'server_streaming'>,
  message: Message,
  call: HttpCall,
  response: ServerResponse,
): Promise<void> {
  const { signal } = call;
  const start = (status: number) =>
    response.writeHead(status, [
      'content-type',
      json,
      'trailer',
      truncatedHeader,
      ...call.headers(),
    ]);
  try {
    for await (const part of method.handle(message, call)) {
      if (!response.headersSent) start(200);
      const line = JSON.stringify({ result: encodeJson(method.descriptor.output, part) });
      if (!response.write(`${line}\n`)) await drained(response, signal);
      if (signal.aborted) throw new Refusal('deadline_exceeded', 'the stream was cut short');
    }
    if (!response.headersSent) start(200);
    // What was not known when the headers went out.
    const truncated = call.responseHeaders[truncatedHeader];
    if (truncated !== undefined) response.addTrailers({ [truncatedHeader]: truncated });
    response.end();
  } catch (error) {
    const refusal = toRefusal(error, call.requestId);
    if (response.destroyed) return;
    // Before the first message there is still a status to tell; the body is the same.
    if (!response.headersSent) start(httpStatus(refusal));
    response.end(`${JSON.stringify({ error: streamError(refusal) })}\n`);
  }
}

/** A google.rpc.Status, which has no room for the wire's own codes. */
function streamError(refusal: Refusal) {
  return { code: classCode(refusal), message: refusal.message, details: [] };
}
