/** Asks the server that owns a database to make its first admin, by the file that it has written. */
import { existsSync } from 'node:fs';
import { limits } from '../src/base/limits.ts';
import {
  type BootstrapFile,
  bootstrapFileOf,
  readBootstrapFile,
} from '../src/server/bootstrap-file.ts';
import type { Holder } from '../src/service/access/principal.ts';
import { createClient } from './client.ts';
import { Failure } from './exit-codes.ts';
import { ServerRefusal } from './http.ts';
import { wirePrincipal } from './role-client.ts';

/** REQUIRES: the database is there. `late` where there has been a first admin. */
export async function askToBootstrap(path: string, holder: Holder): Promise<'made' | 'late'> {
  const file = bootstrapFileOf(path);
  const { url, secret } = await read(file, path);
  const client = createClient({ apiUrl: url, apiToken: secret, timeoutMs: limits.clientTimeoutMs });
  try {
    await client.bootstrap(wirePrincipal(holder));
    return 'made';
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (error.code === 'failed_precondition') return 'late';
    throw explain(error, { file, url });
  }
}

/** A server that has just started owns the file before it has written anything beside it. */
const attempts = 20;
const pauseMs = 100;

async function read(file: string, path: string): Promise<BootstrapFile> {
  for (let left = attempts; left > 0 && !existsSync(file); left--) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  let content: BootstrapFile | undefined;
  try {
    content = readBootstrapFile(file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'ENOENT') {
      throw new Failure('input', `\`${file}\` cannot be read: ${code}`, {
        hint: 'run this as the user that the server runs as',
        cause,
      });
    }
    const message = `\`${path}\` belongs to a running server that waits for no first admin`;
    throw new Failure('failed', message, {
      hint:
        'it has had one, who makes others: `pemba role grant admin --key NAME`; ' +
        'or it asks nobody who calls (--authn-method), and is stopped first',
    });
  }
  if (content !== undefined) return content;
  throw new Failure('input', `\`${file}\` is not what a server writes there`, {
    hint: 'restart the server: it writes the file anew',
  });
}

/** The secret is in none of it. */
function explain(failure: Failure, { file, url }: { file: string; url: string }): Failure {
  if (failure.exit === 'unreachable') {
    return new Failure('unreachable', `no server answers at ${url}, which \`${file}\` names`, {
      hint: 'run this where the server runs; a program that is no server cannot be asked: stop it',
      cause: failure,
    });
  }
  if (failure instanceof ServerRefusal && failure.code === 'unauthenticated') {
    return new Failure('refused', `the server at ${url} has not written \`${file}\``, {
      code: failure.code,
      hint: 'it is of an earlier server, or the first admin is made by now: run this again',
      cause: failure,
    });
  }
  return failure;
}
