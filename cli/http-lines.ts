/** An answer that comes as lines of JSON, one message each, read as they come. */
import { Failure } from './exit-codes.ts';
import { connectionFailure, type HttpOptions, headersOf, statusFailure, urlOf } from './http.ts';

/** How a stream ended that the server cut: what came before it holds. */
export class StreamCut extends Failure {
  override name = 'StreamCut';
}

interface Line {
  readonly result?: unknown;
  readonly error?: { readonly message?: string };
}

export async function* sendForLines(
  options: HttpOptions,
  path: string,
  body: unknown,
): AsyncGenerator<unknown> {
  const request = { method: 'POST', path, body, repeatable: true } as const;
  const response = await fetch(urlOf(options.apiUrl, request), {
    method: request.method,
    headers: headersOf(options, request),
    body: JSON.stringify(body),
    redirect: 'manual',
  }).catch((error: unknown) => {
    throw connectionFailure(options, request, error).failure;
  });
  if (!response.ok || response.body === null) {
    throw statusFailure(options, response, await response.text()).failure;
  }
  let rest = '';
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const { result, error }: Line = JSON.parse(line);
      if (error !== undefined) throw new StreamCut('serverFailed', error.message ?? 'cut short');
      yield result;
    }
  }
}
