// Tokens of a real OpenID provider: signing in, services, ID tokens, rotation, an outage, a restart.
import { expect, test } from 'vitest';
import { createAuthenticator } from '../../src/authn/authenticator.ts';
import type { KeySourceOptions } from '../../src/authn/key-source.ts';
import { Verifier } from '../../src/authn/verifier.ts';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { limits } from '../../src/base/limits.ts';
import { TestProvider } from './provider.ts';
import { ecKey } from './signing.ts';
import { configOf } from './world.ts';

const [first, second] = [ecKey('first'), ecKey('second')];

/** The provider lives in real time; what it made moves on by hand. */
class AheadClock implements Clock {
  ahead = 0;
  now = () => systemClock.now();
  monotonic = () => systemClock.monotonic() + this.ahead;
}

function trusting(issuers: readonly TestProvider[], options: Partial<KeySourceOptions> = {}) {
  const clock = new AheadClock();
  const configs = issuers.map(({ issuer }) => configOf(issuer));
  const verifier = new Verifier(configs, { clock, ...options });
  return { clock, verifier };
}
const reason = (answer: Promise<unknown>) =>
  answer.then(
    () => 'taken',
    ({ reason }) => reason,
  );

test('a person signs in, and the access token says who and in which groups', async () => {
  await using provider = await TestProvider.open([first], ['eng', 'ops']);
  const { verifier } = trusting([provider]);
  const { access_token, id_token } = await provider.signIn('alice');
  const token = await verifier.verify(access_token, 'subject');
  expect(token).toMatchObject({
    issuer: provider.issuer,
    subject: 'alice',
    client: { id: 'web', claim: 'client_id' },
    scopes: ['fga.check'],
    claims: { groups: ['eng', 'ops'] },
  });
  // The ID token is for the application, which shows it to nobody.
  expect(await reason(verifier.verify(id_token, 'subject'))).toMatch(/^type_/);
});

test('an ID token that names no type is refused where `JWT` is taken', async () => {
  await using provider = await TestProvider.open([first]);
  const { id_token } = await provider.signIn('alice');
  const config = configOf(provider.issuer, { tokenTypes: ['JWT'] });
  const verifier = new Verifier([config], { clock: systemClock });
  expect(await reason(verifier.verify(id_token, 'subject'))).toBe('type_missing');
});

test('a service is a caller under the id of its client', async () => {
  await using provider = await TestProvider.open([first]);
  const { verifier, clock } = trusting([provider]);
  const config = { method: 'verified', presharedKeys: [], verifier } as const;
  const authenticator = createAuthenticator(config, clock);
  const authorization = `Bearer ${await provider.serviceToken()}`;
  expect(await authenticator.authenticate({ authorization, address: '127.0.0.1' })).toMatchObject({
    kind: 'oidc',
    issuer: provider.issuer,
    id: 'billing',
    scopes: ['fga.check'],
  });
});

test('two providers that sign in the same name make two subjects', async () => {
  await using one = await TestProvider.open([first]);
  await using two = await TestProvider.open([second]);
  const { verifier } = trusting([one, two]);
  const [ours, theirs] = [
    await verifier.verify((await one.signIn('alice')).access_token, 'subject'),
    await verifier.verify((await two.signIn('alice')).access_token, 'subject'),
  ];
  expect(ours.subject).toBe(theirs.subject);
  expect(ours.issuer).not.toBe(theirs.issuer);
});

test('key rotation: by a real provider', async () => {
  await using provider = await TestProvider.open([first]);
  const { verifier, clock } = trusting([provider]);
  const old = (await provider.signIn('alice')).access_token;
  await verifier.verify(old, 'subject');
  provider.rotate([second, first]);
  const fresh = (await provider.signIn('alice')).access_token;
  clock.ahead += limits.issuerCooldownMs;
  await verifier.verify(fresh, 'subject');
  await verifier.verify(old, 'subject');
  provider.rotate([second]);
  clock.ahead += limits.issuerKeysFreshMs;
  await verifier.refresh();
  expect(await reason(verifier.verify(old, 'subject'))).toBe('key_unknown');
  await verifier.verify(fresh, 'subject');
});

test('issuer outage: a real provider is down when the server starts, comes, goes, and comes again', async () => {
  await using provider = await TestProvider.open([first]);
  const token = await provider.serviceToken();
  const other = await provider.serviceToken();
  await provider.stop();
  const { verifier, clock } = trusting([provider]);
  await verifier.refresh();
  expect(verifier.health()).toMatchObject([{ issuer: provider.issuer, state: 'missing' }]);
  expect(await reason(verifier.verify(token, 'caller'))).toBe('keys_unavailable');
  await provider.start();
  clock.ahead += limits.issuerRetryMs;
  await verifier.verify(token, 'caller');
  await provider.stop();
  clock.ahead += limits.issuerKeysFreshMs;
  await verifier.refresh();
  expect(verifier.health()).toMatchObject([{ state: 'stale', fault: 'unreachable' }]);
  await verifier.verify(other, 'caller');
  await provider.start();
  clock.ahead += limits.issuerRetryMs;
  await verifier.refresh();
  expect(verifier.health()).toMatchObject([{ state: 'ready', fault: undefined }]);
});
