/**
 * What a server knows callers and subjects by: preshared keys, and the issuers of its identity file,
 * which is read again when it changes. A file that cannot be used leaves the one before it in use.
 */
import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import {
  type Authenticator,
  createAuthenticator,
  type FailedAttempt,
} from '../authn/authenticator.ts';
import { IdentitySource } from '../authn/identity/source.ts';
import type { IssuerHealth } from '../authn/key-source.ts';
import { Verifier } from '../authn/verifier.ts';
import type { Clock } from '../base/clock.ts';
import { Refusal } from '../base/errors.ts';
import type { ServerConfig } from './config.ts';
import { configurationError } from './start-error.ts';

export type AuthenticationSettings = Pick<
  ServerConfig,
  'authnMethod' | 'authnPresharedKeys' | 'authnPresharedKeysFile' | 'identityFile'
>;

export interface Authentication {
  readonly authenticator: Authenticator;
  readonly identity: { readonly source: IdentitySource; readonly verifier: Verifier } | undefined;
  /** Takes the identity file as it is now, if it can be used. */
  reload(): Promise<void>;
  /** Asks the issuers for their keys where that is due. Waits for nothing. */
  refresh(): void;
  /** What is amiss though the server serves, for those who watch it. */
  degraded(): readonly string[];
  close(): void;
}

interface Surroundings {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told of each attempt to authenticate that failed. */
  readonly onFailedAttempt?: (failed: FailedAttempt) => void;
}

/** Editors and deployments change a file in several steps. */
const settleMs = 100;

/** Rejects with a StartError for an identity file that cannot be used: there is no older one. */
export async function openAuthentication(
  settings: AuthenticationSettings,
  around: Surroundings,
): Promise<Authentication> {
  const { identityFile: path, authnMethod: method } = settings;
  const identity = path === '' ? undefined : await openIdentity(path, around);
  if (method === 'oidc') requireCallers(identity?.source);
  const presharedKeys = [...settings.authnPresharedKeys, ...settings.authnPresharedKeysFile];
  const verifier = method === 'oidc' ? identity?.verifier : undefined;
  const authenticator = createAuthenticator(
    method === 'none' ? { method } : { method: 'verified', presharedKeys, verifier },
    around.clock,
    around.onFailedAttempt,
  );
  const nothing = {
    reload: async () => {},
    refresh: () => {},
    degraded: () => [],
    close: () => {},
  };
  return { authenticator, identity, ...(identity?.care ?? nothing) };
}

async function openIdentity(path: string, { clock, logger }: Surroundings) {
  const source = await openSource(path);
  const onFetch = issuerLog(logger);
  const verifier = new Verifier(source.identity.issuers, { clock, onFetch });
  const reload = reloader(source, verifier, logger);
  const refresh = () => {
    verifier.refresh().catch((err: unknown) => logger.error({ err }, 'issuers were not asked'));
  };
  refresh();
  const watching = watchFile(path, reload, logger);
  const care = {
    reload,
    refresh,
    degraded: () => [
      ...(source.fault === undefined
        ? []
        : ['the identity file cannot be used: the one before it still is; the log says why']),
      ...verifier.health().flatMap(faultOf),
    ],
    close: () => watching.close(),
  };
  return { source, verifier, care };
}

async function openSource(path: string): Promise<IdentitySource> {
  try {
    return await IdentitySource.open(() => readFile(path, 'utf8'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = error instanceof Refusal ? error.message : `it cannot be read: ${code}`;
    throw configurationError(`--identity-file: \`${path}\`: ${reason}`, error);
  }
}

function requireCallers(source: IdentitySource | undefined): void {
  if (source === undefined) {
    throw configurationError(
      '--authn-method: oidc needs --identity-file, which names the issuers that are trusted',
    );
  }
  if (source.identity.issuers.some(({ use }) => use.includes('caller'))) return;
  throw configurationError(
    '--authn-method: oidc needs an issuer in --identity-file with `caller` in its `use`',
  );
}

/** ENSURES: whatever was remembered of the file before is dropped with it. */
function reloader(source: IdentitySource, verifier: Verifier, logger: Logger) {
  let logged: string | undefined;
  let generation = source.generation;
  let running: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  const reload = async () => {
    await source.reload();
    // Reloads that were asked for at the same time end one after the other.
    if (source.generation !== generation) {
      generation = source.generation;
      verifier.reload(source.identity.issuers);
      logger.info({ generation }, 'the identity file is replaced');
    }
    const { fault } = source;
    if (fault !== undefined && fault !== logged) {
      logger.error({ fault }, 'the identity file cannot be used; the one before it still is');
    }
    logged = fault;
  };
  // However many ask at once, as probes may, one more reload is what all of them ask for.
  return () => {
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        running = reload();
        return running;
      });
    return next;
  };
}

/** The folder is what is watched: files are replaced more often than they are written to. */
function watchFile(path: string, reload: () => Promise<void>, logger: Logger): FSWatcher {
  let timer: NodeJS.Timeout | undefined;
  const watcher = watch(dirname(path), { persistent: false }, () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      reload().catch((err: unknown) => logger.error({ err }, 'the identity file was not reloaded'));
    }, settleMs).unref();
  });
  watcher.on('error', (err) => {
    logger.warn({ err }, 'the identity file is not watched any more; send SIGHUP to reload it');
  });
  watcher.on('close', () => clearTimeout(timer));
  return watcher;
}

/** One line when an issuer begins to fail, and one when it is there again. */
function issuerLog(logger: Logger): (health: IssuerHealth) => void {
  const failing = new Set<string>();
  return ({ issuer, state, fault }) => {
    if (fault === undefined) {
      if (failing.delete(issuer)) logger.info({ issuer }, 'the issuer answers again');
    } else if (!failing.has(issuer)) {
      failing.add(issuer);
      logger.warn({ issuer, state, fault }, 'the keys of an issuer cannot be had');
    }
  };
}

function faultOf({ issuer, state, fault }: IssuerHealth): readonly string[] {
  if (state === 'missing') {
    return [`the keys of \`${issuer}\` are missing (${fault}): its tokens are refused`];
  }
  return state === 'stale' ? [`\`${issuer}\` does not answer (${fault}): old keys are in use`] : [];
}
