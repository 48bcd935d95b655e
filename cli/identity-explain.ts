/** `pemba identity explain`: what an identity file makes of a token, step by step. */
import type { Command } from 'commander';
import type { Identity } from '../src/authn/identity/identity.ts';
import { AuthenticationRefusal } from '../src/authn/refusal.ts';
import { systemClock } from '../src/base/clock.ts';
import type { JsonObject } from '../src/base/json.ts';
import { wantsJson } from './connection.ts';
import { exitCodes, Failure } from './exit-codes.ts';
import { type Explained, explainedJson, printExplained, type Said } from './identity-report.ts';
import { printJson, warn } from './output.ts';

const more = `
The token is verified as a server would do it, with the keys of its issuer. The token itself is never
printed; what its claims come to is, so mind where the output goes.

Examples:
  $ pemba identity explain --file identity.yaml --token token.txt
  $ get-a-token | pemba identity explain --file identity.yaml --token -
  $ pemba identity explain --file identity.yaml --token old.txt --no-verify   # offline

Exits ${exitCodes.failed.code} when the token is refused.`;

interface ExplainFlags {
  readonly file: string;
  readonly token: string;
  readonly verify: boolean;
}

export function registerExplain(identity: Command): void {
  const command = identity
    .command('explain')
    .description('show what an identity file makes of a token')
    .requiredOption('--file <file>', 'identity file')
    .requiredOption('--token <file>', 'file that holds the token; - for standard input')
    .option('--no-verify', 'explain a token without verifying it, offline')
    .addHelpText('after', more);
  command.action(async (flags: ExplainFlags) => {
    const identity = await readIdentity(flags.file);
    const token = await readToken(flags.token);
    const explained = await explain(identity, token, flags.verify);
    if (!flags.verify) warn('the token is NOT VERIFIED: anybody can have written what it says');
    if (wantsJson(command)) printJson(explainedJson(explained));
    else printExplained(explained);
    if (explained.refusal !== undefined || explained.mapping?.refusal !== undefined) {
      process.exitCode = exitCodes.failed.code;
    }
  });
}

async function readIdentity(file: string): Promise<Identity> {
  const { readText } = await import('./files/lines.ts');
  const { IdentityFileError } = await import('../src/authn/identity/file-fault.ts');
  const { Identity } = await import('../src/authn/identity/identity.ts');
  const text = await readText(file);
  try {
    return new Identity(text);
  } catch (error) {
    if (!(error instanceof IdentityFileError)) throw error;
    throw new Failure('input', `${file}: ${error.message}`, {
      hint: '`pemba identity lint` shows every fault',
      cause: error,
    });
  }
}

async function readToken(file: string): Promise<string> {
  const { readText } = await import('./files/lines.ts');
  const text = file === '-' ? await readStandardInput() : await readText(file);
  if (text.trim() !== '') return text.trim();
  throw new Failure('input', 'there is no token: the input is empty');
}

async function readStandardInput(): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk;
  return text;
}

/** Throws a Failure where the issuer's keys cannot be had: that is no fault of the token. */
async function explain(identity: Identity, token: string, verify: boolean): Promise<Explained> {
  let said: Said | undefined;
  try {
    said = await saidBy(token);
    const claims = verify ? await verified(identity, token) : said.claims;
    const issuer = typeof claims.iss === 'string' ? claims.iss : '';
    const mapping = identity.explain(issuer, claims, systemClock.now());
    return { verified: verify, said, mapping, refusal: undefined };
  } catch (error) {
    if (!(error instanceof AuthenticationRefusal)) throw error;
    if (error.code === 'unavailable') {
      throw new Failure('unreachable', error.message, {
        code: error.reason,
        hint: '--no-verify explains the token offline',
      });
    }
    return { verified: false, said, mapping: undefined, refusal: error };
  }
}

/** What the token says of itself, whoever wrote it. Throws an AuthenticationRefusal. */
async function saidBy(token: string): Promise<Said> {
  const { parseToken } = await import('../src/authn/token.ts');
  return parseToken(token);
}

async function verified(identity: Identity, token: string): Promise<JsonObject> {
  const { Verifier } = await import('../src/authn/verifier.ts');
  const verifier = new Verifier(identity.issuers, { clock: systemClock });
  return (await verifier.verify(token, 'subject')).claims;
}
