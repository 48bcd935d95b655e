/**
 * `npm run example:identity`: the whole way from signing in to an answer. A real OpenID provider and
 * a real server start on this machine; two people sign in; what each may do is decided by the groups
 * in their tokens. With `-- --stay` all of it stays up, to be asked by hand.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { TestProvider } from '../authn/provider.ts';
import { ecKey } from '../authn/signing.ts';
import { serveProcess } from '../server/serve-process.ts';
import { tool } from '../tool.ts';
import { Stage } from './stage.ts';

const { stay } = tool(
  'example:identity',
  'From signing in to an answer, with a real OpenID provider and a real server on this machine.',
)
  .option('--stay', 'all of it stays up, to be asked by hand', false)
  .parse()
  .opts<{ stay: boolean }>();
const schemas = new URL('../../schemas/', import.meta.url);
const question = ['can_deploy', 'project:acme/web'] as const;
// The provider says that it is only for development, which is so.
console.warn = () => {};

using stage = new Stage();

stage.step('A provider, where people sign in. It says of everybody in which groups they are:');
const groups: Readonly<Record<string, readonly string[]>> = { anne: ['release-manager'], ben: [] };
await using provider = await TestProvider.open([ecKey('example')], [], {
  audience: 'https://api.example.com',
  scope: 'deploy',
  claimsOf: (account) => ({ org_id: 'acme', groups: groups[account] ?? [] }),
});
stage.tell(`${provider.issuer} (oidc-provider, on this machine, for this example)`);

stage.step('The identity file: whose tokens are trusted, and what they say. For the model of');
stage.tell('schemas/saas.fga it is schemas/saas.identity.yaml; here the issuer is the one above.');
const shipped = readFileSync(new URL('saas.identity.yaml', schemas), 'utf8');
const identityFile = stage.file(
  'saas.identity.yaml',
  shipped.replace('https://idp.example.com/', provider.issuer),
);
await stage.pemba(['identity', 'lint', identityFile, '--model', 'schemas/saas.fga']);

stage.step('A server that trusts them, and lets in only callers with a key. The first admin:');
const database = `file:${stage.pathOf('pemba.db')}`;
const made = await stage.pemba(['bootstrap', '--datastore-uri', database], { quiet: true });
const [key = '', stored = ''] = made.split('\n');
const keysFile = stage.file('keys.txt', `${stored}\n`);
const flags = ['--datastore-uri', database, '--authn-method', 'preshared'];
const trusting = ['--authn-preshared-keys-file', keysFile, '--identity-file', identityFile];
stage.tell(`$ pemba serve ${[...flags, ...trusting].join(' ')}`);
const server = await serveProcess([...flags, ...trusting]);
try {
  await play(`http://${server.http}`);
} finally {
  server.process.kill();
  await server.ended();
}

async function play(url: string): Promise<void> {
  stage.environment = { PEMBA_API_URL: url, PEMBA_API_TOKEN: key };
  stage.step(
    'A store with the model, and what the administrator of acme has written. It names a role:',
  );
  const create = ['store', 'create', '--name', 'saas', '--model', 'schemas/saas.fga', '--json'];
  const store: string = JSON.parse(await stage.pemba(create, { quiet: true })).store.id;
  stage.environment = { ...stage.environment, PEMBA_STORE_ID: store };
  const role = 'role:acme/release-manager#assignee';
  await stage.pemba(['tuple', 'write', role, 'deployer', 'project:acme/web']);
  await stage.pemba(['tuple', 'write', 'tenant:acme', 'tenant', 'project:acme/web']);

  stage.step('Anne and Ben sign in at the provider: authorization code with PKCE, as browsers do.');
  const tokens = { anne: await signIn('anne'), ben: await signIn('ben') };

  stage.step('What does the token of Anne come to? (It is verified, and never printed.)');
  const explained = await stage.pemba(
    ['identity', 'explain', '--file', identityFile, '--token', tokens.anne, '--json'],
    { quiet: true },
  );
  const { users, tuples } = JSON.parse(explained) as Explained;
  stage.tell(`subject ${users.join(', ')}`);
  for (const { user, relation, object } of tuples)
    stage.tell(`tuple   ${user} ${relation} ${object}`);

  stage.step('May they deploy? The application asks with its own key, and brings their tokens:');
  const anne = await ask('anne', tokens.anne);
  const ben = await ask('ben', tokens.ben);
  const stored = await stage.pemba(['tuple', 'read', '--user', 'user:anne', '--json'], {
    quiet: true,
  });

  const own = tuples.find(({ object }) => object === 'role:acme/release-manager');
  const isProved = own !== undefined && anne.includes(`${own.user} ${own.relation} ${own.object}`);
  if (!anne.startsWith('allowed') || !isProved) throw new Error('anne should be allowed');
  if (!ben.startsWith('denied')) throw new Error('ben should be denied');
  if (JSON.parse(stored).tuples.length > 0) throw new Error('nothing should be stored of anne');
  stage.tell('');
  stage.tell(
    'allowed because of the group claim: no tuple that is stored names user:anne. Her token',
  );
  stage.tell(`brings \`${own.user} ${own.relation} ${own.object}\`; Ben's brings no such tuple.`);

  if (!stay) return;
  stage.step('All of it stays up until you press Ctrl-C. In another shell, in this folder:');
  stage.tell(
    Object.entries(stage.environment)
      .map(([name, value]) => `export ${name}=${value}`)
      .join('\n'),
  );
  for (const [name, file] of Object.entries(tokens)) stage.tell(commandFor(name, file));
  await once(process, 'SIGINT');
}

interface Explained {
  readonly users: readonly string[];
  readonly tuples: readonly { user: string; relation: string; object: string }[];
}

/** The file of the token. */
async function signIn(name: string): Promise<string> {
  const { access_token } = await provider.signIn(name);
  const file = stage.file(`${name}.token`, access_token);
  stage.tell(`${name}: groups ${JSON.stringify(groups[name])}, token in ${file}`);
  return file;
}

async function ask(name: string, tokenFile: string): Promise<string> {
  const about = ['query', 'check', `user:${name}`, ...question, '--explain'];
  return await stage.pemba([...about, '--subject-token-file', tokenFile]);
}

function commandFor(name: string, tokenFile: string): string {
  const about = ['query', 'check', `user:${name}`, ...question, '--explain'];
  return `npm run -s pemba -- ${[...about, '--subject-token-file', tokenFile].join(' ')}`;
}
