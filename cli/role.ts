/** `pemba role`: who may do what on a server that asks who calls. */
import { Argument, type Command } from 'commander';
import { type Role, roles } from '../src/service/access/roles.ts';
import { connect, storeIdOfFlag } from './connection.ts';
import { Failure } from './exit-codes.ts';
import { print, printJson } from './output.ts';
import { addPrincipalOptions, type PrincipalOptions, principalsOf } from './principal-options.ts';
import { type WirePrincipal, type WireRoleGrant, wirePrincipal } from './role-client.ts';

const meaning = `
The roles on a store: check (Check and the lists), read (check, and tuples, models and reasons),
write (tuples), model (models and assertions), admin (all of it, and the roles themselves).
With --all-stores they hold on every store; create, which is the right to create stores, and to be
the admin of those, is given so alone.`;

const changes = {
  grant: {
    summary: 'give a caller a role',
    description: 'Gives a caller a role. To give one that it has is no error.',
    examples: `
Examples:
  $ pemba role grant check --store-id 01H... --key web
  $ pemba role grant admin --all-stores --issuer https://idp.example.com/ --client backend`,
  },
  revoke: {
    summary: 'take a role from a caller',
    description: 'Takes a role from a caller. The last admin of all stores stays.',
    examples: `
Examples:
  $ pemba role revoke write --store-id 01H... --key web`,
  },
} as const;

const listExamples = `
Examples:
  $ pemba role list --store-id 01H...
  $ pemba role list --all-stores --json`;

interface Options extends PrincipalOptions {
  readonly allStores?: true;
}

const allStores = ['--all-stores', 'on every store, and on those to come'] as const;

export function registerRole(program: Command): void {
  const role = program
    .command('role')
    .summary('say who may do what')
    .description('Grants roles to callers, takes them away, and lists them.')
    .addHelpText('after', meaning);
  for (const verb of ['grant', 'revoke'] as const) {
    const command = role
      .command(verb)
      .addArgument(new Argument('<role>', 'what the caller may do').choices(roles))
      .summary(changes[verb].summary)
      .description(changes[verb].description)
      .addHelpText('after', meaning)
      .addHelpText('after', changes[verb].examples)
      .option(...allStores);
    addPrincipalOptions(command).action((name: Role, options: Options) =>
      change(verb, name, options, command),
    );
  }
  const list = role
    .command('list')
    .summary('list who has which role')
    .description('Lists who has which role on the store, or on all.')
    .addHelpText('after', listExamples)
    .option(...allStores);
  list.action((options: Options) => show(options, list));
}

async function change(
  verb: 'grant' | 'revoke',
  role: Role,
  options: Options,
  command: Command,
): Promise<void> {
  const { store_id, client } = target(options, command);
  for (const holder of principalsOf(options)) {
    const principal = wirePrincipal(holder);
    const change = { store_id, principal, role };
    await (verb === 'grant' ? client.grantRole(change) : client.revokeRole(change));
    print(`${verb === 'grant' ? 'granted' : 'revoked'} ${role}: ${shown(principal)}`);
  }
}

async function show(options: Options, command: Command): Promise<void> {
  const { store_id, client, json } = target(options, command);
  const grants: WireRoleGrant[] = [];
  for await (const grant of client.roles(store_id)) grants.push(grant);
  if (json) printJson(grants);
  else for (const { role, principal } of grants) print(`${role.padEnd(6)} ${shown(principal)}`);
}

/** A store is named or all are: which of them is meant must not depend on what was left out. */
function target(options: Options, command: Command) {
  const connection = connect(command);
  const { client, json } = connection;
  if (options.allStores === true) {
    if (storeIdOfFlag(command) === undefined) return { store_id: '', client, json };
    throw new Failure('usage', 'give --store-id or --all-stores, not both');
  }
  if (connection.storeId !== '') return { store_id: connection.storeId, client, json };
  throw new Failure('usage', 'no store named: pass --store-id, or --all-stores');
}

function shown({ key, client }: WirePrincipal): string {
  if (client === undefined) return `key ${key}`;
  return `client ${client.id} (${client.claim}) of ${client.issuer}`;
}
