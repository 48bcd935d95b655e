/**
 * Which web pages may call. A page of another origin is let in only when the configuration names
 * it: without that, any page could write to a server on its visitor's own machine.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { cors as connectCors } from '@connectrpc/connect';
import { stepUpChecksHeader, stepUpHeader } from '../service/step-up.ts';
import { errorCodeHeader } from './connect-error.ts';
import { consistencyTokenHeader, requestIdHeader, truncatedHeader } from './headers.ts';

const allowedMethods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].join(', ');

const exposedHeaders = [
  ...connectCors.exposedHeaders,
  'openfga-authorization-model-id',
  'fga-query-duration-ms',
  consistencyTokenHeader,
  truncatedHeader,
  stepUpHeader,
  stepUpChecksHeader,
  requestIdHeader,
  errorCodeHeader,
  'www-authenticate',
  'retry-after',
].join(', ');

/** How long a browser may remember the answer, in seconds. */
const preflightAgeMax = '7200';

/** What becomes of a request that says which page it is from. */
export type CorsVerdict = 'go on' | 'preflight' | 'refused';

/** ENSURES: the headers for the browser are set on the response, where the page may call. */
export function applyCors(
  origins: ReadonlySet<string>,
  request: IncomingMessage,
  response: ServerResponse,
): CorsVerdict {
  const { origin, host } = request.headers;
  if (origin === undefined) return 'go on';
  const any = origins.has('*');
  if (!any && !origins.has(origin)) {
    const own = origin === `http://${host}` || origin === `https://${host}`;
    return own ? 'go on' : 'refused';
  }
  response.setHeader('access-control-allow-origin', any ? '*' : origin);
  if (!any) response.setHeader('vary', 'Origin');
  const wanted = request.headers['access-control-request-method'];
  if (request.method !== 'OPTIONS' || wanted === undefined) {
    response.setHeader('access-control-expose-headers', exposedHeaders);
    return 'go on';
  }
  response.setHeader('access-control-allow-methods', allowedMethods);
  const headers = request.headers['access-control-request-headers'];
  if (headers !== undefined) response.setHeader('access-control-allow-headers', headers);
  response.setHeader('access-control-max-age', preflightAgeMax);
  return 'preflight';
}
