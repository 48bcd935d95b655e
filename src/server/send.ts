/** Writes whole responses. */
import type { ServerResponse } from 'node:http';
import type { HttpCall } from './http-call.ts';

/** `contentType` is left out, and the body must be empty, for a status without a body. */
export function send(
  response: ServerResponse,
  status: number,
  call: HttpCall,
  contentType: string | undefined,
  body: string | Uint8Array,
): void {
  // The client is gone: there is nobody to tell.
  if (response.destroyed) return;
  const headers = call.headers();
  const bytes = Buffer.byteLength(body);
  if (contentType !== undefined) {
    headers.push('content-type', contentType, 'content-length', String(bytes));
  }
  response.writeHead(status, headers);
  // Text goes out in one piece with the headers, and of one byte a character without another look.
  if (typeof body === 'string' && body.length === bytes) response.end(body, 'latin1');
  else response.end(body);
}
