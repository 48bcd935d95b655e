/** Which principal a command means: the holders of a preshared key, or a client of an issuer. */
import { type Command, Option } from 'commander';
import { clientClaims, type Holder, isClientClaim } from '../src/service/access/principal.ts';
import { Failure } from './exit-codes.ts';

export interface PrincipalOptions {
  readonly key?: string;
  readonly issuer?: string;
  readonly client?: string;
  readonly claim?: string;
}

export function addPrincipalOptions(command: Command): Command {
  return command
    .option('--key <name>', 'preshared keys of this name')
    .option('--issuer <url>', 'issuer of the client, as in `iss` of its tokens')
    .option('--client <id>', 'client of the issuer')
    .addOption(
      new Option(
        '--claim <name>',
        'claim that names the client; azp and client_id unless given',
      ).choices(clientClaims),
    );
}

/**
 * What an issuer calls a client is in `azp` or in `client_id`, and few know in which: both are meant
 * where the command line does not say.
 */
export function principalsOf({ key, issuer, client, claim }: PrincipalOptions): readonly Holder[] {
  const isKey = key !== undefined && issuer === undefined && client === undefined;
  if (isKey && claim === undefined) return [{ kind: 'preshared', id: key }];
  if (key !== undefined || issuer === undefined || client === undefined) {
    throw new Failure('usage', 'name the caller: --key NAME, or --issuer URL and --client ID');
  }
  const claims =
    claim !== undefined && isClientClaim(claim) ? [claim] : (['azp', 'client_id'] as const);
  return claims.map((each) => ({ kind: 'oidc', issuer, claim: each, id: client }));
}
