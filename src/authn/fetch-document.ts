/**
 * Fetching one JSON document of an issuer, bounded in time and size. What fails has a name, which
 * health and log tell: it holds nothing that the other side sent.
 */
import { assert } from '../base/assert.ts';
import { limits } from '../base/limits.ts';
import { isSafeUrl } from './issuer.ts';

export type FetchFault =
  | 'unreachable'
  | 'timeout'
  | 'redirect'
  | 'status'
  | 'too_large'
  | 'not_json'
  | 'no_discovery_document'
  | 'issuer_differs'
  | 'unsafe_jwks_uri'
  | 'no_key_set';

export class FetchFailure extends Error {
  override name = 'FetchFailure';
  readonly fault: FetchFault;
  readonly status: number | undefined;

  constructor(fault: FetchFault, about: { status?: number; cause?: unknown } = {}) {
    super(fault, { cause: about.cause });
    this.fault = fault;
    this.status = about.status;
  }
}

/**
 * REQUIRES: `isSafeUrl(url)`. Addresses in private networks are allowed, where companies have their
 * identity providers: over https the certificate says that it is the host that was meant.
 */
export async function fetchDocument(url: string, timeoutMs: number): Promise<unknown> {
  assert(isSafeUrl(url), 'an issuer is asked over https, or on this machine');
  try {
    const response = await fetch(url, {
      // Not followed: it could lead anywhere. `error` would fail without saying why.
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
      // A kept socket fails the first request after the issuer has restarted.
      headers: { accept: 'application/json', connection: 'close' },
    });
    const { status } = response;
    if (status === 200) return parse(await bodyOf(response));
    await response.body?.cancel();
    throw new FetchFailure(status >= 300 && status < 400 ? 'redirect' : 'status', { status });
  } catch (error) {
    if (error instanceof FetchFailure) throw error;
    const late = error instanceof Error && error.name === 'TimeoutError';
    throw new FetchFailure(late ? 'timeout' : 'unreachable', { cause: error });
  }
}

/** Counts what comes out of decompression, so that a small answer cannot grow. */
async function bodyOf(response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    // Leaving the loop cancels the rest.
    if (size > limits.issuerBytesMax) throw new FetchFailure('too_large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new FetchFailure('not_json');
  }
}
