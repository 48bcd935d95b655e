// Tokens that must be refused, each with the reason that it must be told. One table, by class.
import { createSecretKey } from 'node:crypto';
import type { AuthenticationReason } from '../../src/authn/refusal.ts';
import { limits } from '../../src/base/limits.ts';
import { base64url, json, publicJwk, signEncoded, type TestKey } from './signing.ts';
import { audience, keys, sharedSecret, type World } from './world.ts';

export type BadToken = readonly [
  name: string,
  reason: AuthenticationReason,
  make: (world: World) => string,
];

const head = (more: object = {}) => ({ alg: 'ES256', kid: 'es', typ: 'at+jwt', ...more });

/** Signed as it should be, over parts that are not as they should be. */
const signed = (headPart: string, bodyPart: string, key: TestKey = keys.es) =>
  signEncoded(headPart, bodyPart, key.privateKey, key.algorithm);

const withClaims =
  (more: object): BadToken[2] =>
  (world) =>
    world.token(more);
const withHeader =
  (more: object): BadToken[2] =>
  (world) =>
    world.token({}, more);

/** The good token, with one part made anew. */
function changed(world: World, part: 0 | 1 | 2, change: (text: string) => string): string {
  const parts = world.token().split('.');
  parts[part] = change(parts[part] ?? '');
  return parts.join('.');
}

/** Sets a bit of the last character that no byte holds. */
function respelt(part: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = alphabet.indexOf(part.at(-1) ?? '');
  return part.slice(0, -1) + alphabet[last | 1];
}

/** Claims whose last character has bits to spare. */
function spare(world: World): string {
  for (let pad = ''; ; pad += 'x') {
    const part = json(world.claims({ pad }));
    if (part.length % 4 !== 0) return part;
  }
}

/** Claims whose last character has none. */
function whole(world: World): string {
  for (let pad = ''; ; pad += 'x') {
    const part = json(world.claims({ pad }));
    if (part.length % 4 === 0) return part;
  }
}

const hmac = (algorithm: string, secret: (world: World) => Buffer): BadToken[2] => {
  return (world) =>
    signEncoded(
      json(head({ alg: algorithm, kid: 'rs' })),
      json(world.claims()),
      secret(world),
      algorithm,
    );
};
const pem = () => Buffer.from(keys.rs.publicKey.export({ type: 'spki', format: 'pem' }));
const der = () => keys.rs.publicKey.export({ type: 'spki', format: 'der' });

const unsigned =
  (alg: string, signature = ''): BadToken[2] =>
  (world) =>
    `${json({ alg, typ: 'at+jwt' })}.${json(world.claims())}.${signature}`;

const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;

export const badForms: BadToken[] = [
  ['no text at all', 'token_malformed', () => ''],
  ['one part', 'token_malformed', () => 'token'],
  ['two parts', 'token_malformed', (world) => world.token().split('.').slice(0, 2).join('.')],
  ['four parts', 'token_malformed', (world) => `${world.token()}.x`],
  ['only dots', 'token_malformed', () => '..'],
  ['five parts: a JWE', 'token_encrypted', () => `${json({ alg: 'dir', enc: 'A256GCM' })}....`],
  ['a JWE with a bomb', 'token_encrypted', () => `${json({ alg: 'dir', zip: 'DEF' })}..aa.aa.aa`],
  ['a JWE of 17 KiB', 'token_too_large', () => `${'a'.repeat(17 * 1_024)}....`],
  ['a JWE header on three parts', 'token_encrypted', withHeader({ enc: 'A256GCM' })],
  ['a nested token', 'token_nested', withHeader({ cty: 'JWT' })],
  ['one byte too large', 'token_too_large', (world) => sized(world, limits.tokenBytesMax + 1)],
  ['a megabyte of kid', 'token_too_large', withHeader({ kid: 'k'.repeat(1_000_000) })],
  ['header: not base64url', 'token_malformed', (w) => changed(w, 0, () => '!!!!')],
  ['header: not JSON', 'token_malformed', (w) => changed(w, 0, () => base64url('alg'))],
  ['header: a list', 'token_malformed', (w) => changed(w, 0, () => json(['ES256']))],
  ['header: null', 'token_malformed', (w) => changed(w, 0, () => json(null))],
  ['header: no algorithm', 'token_malformed', withHeader({ alg: undefined })],
  ['header: a number for algorithm', 'token_malformed', withHeader({ alg: 256 })],
  [
    'header: not UTF-8',
    'token_malformed',
    (w) => changed(w, 0, () => base64url(Buffer.from('{"alg":"ES256","x":"\xff"}', 'latin1'))),
  ],
  [
    'header: algorithm twice',
    'token_ambiguous',
    (w) => signed(base64url('{"alg":"none","kid":"es","alg":"ES256"}'), json(w.claims())),
  ],
  ['claims: a list', 'token_malformed', () => signed(json(head()), json([]))],
  ['claims: text', 'token_malformed', () => signed(json(head()), json('sub'))],
  ['claims: not JSON', 'token_malformed', () => signed(json(head()), base64url('{"sub":alice}'))],
  [
    'claims: JSON and more',
    'token_malformed',
    (w) => signed(json(head()), base64url(`${JSON.stringify(w.claims())}{}`)),
  ],
  [
    'claims: a byte order mark',
    'token_malformed',
    (w) => signed(json(head()), base64url(`\ufeff${JSON.stringify(w.claims())}`)),
  ],
  [
    'claims: subject twice',
    'token_ambiguous',
    (w) => signed(json(head()), base64url(twice(w, 'sub'))),
  ],
  [
    'claims: subject twice, once escaped',
    'token_ambiguous',
    (w) => signed(json(head()), base64url(twice(w, '\\u0073ub'))),
  ],
  [
    'claims: a name twice further in',
    'token_ambiguous',
    (w) => signed(json(head()), base64url(spliced(w, '"act":{"sub":"a","sub":"b"}'))),
  ],
  [
    'claims: nested too deep',
    'token_too_deep',
    (w) => signed(json(head()), base64url(spliced(w, `"x":${nested(limits.tokenDepthMax)}`))),
  ],
  [
    'claims: nested 5,000 deep',
    'token_too_deep',
    (w) => signed(json(head()), base64url(spliced(w, `"x":${nested(5_000)}`))),
  ],
  ['padding', 'token_malformed', (w) => changed(w, 1, (text) => `${text}=`)],
  ['a space inside', 'token_malformed', (w) => changed(w, 1, (text) => `${text} `)],
  ['the other base64', 'token_malformed', (w) => changed(w, 2, (text) => `+/${text.slice(2)}`)],
  [
    'claims: a character more than bytes make',
    'token_malformed',
    (w) => signed(json(head()), `${whole(w)}A`),
  ],
  ['claims: other spare bits', 'token_malformed', (w) => signed(json(head()), respelt(spare(w)))],
  ['signature: other spare bits', 'token_malformed', (w) => changed(w, 2, respelt)],
];

export const badAlgorithms: BadToken[] = [
  ['none', 'algorithm_refused', unsigned('none')],
  ['None', 'algorithm_refused', unsigned('None')],
  ['nOnE', 'algorithm_refused', unsigned('nOnE')],
  ['none, and a signature', 'algorithm_refused', unsigned('none', 'AAAA')],
  ['no name', 'algorithm_refused', unsigned('')],
  ['HS256 with the public PEM', 'algorithm_refused', hmac('HS256', pem)],
  ['HS256 with the public DER', 'algorithm_refused', hmac('HS256', der)],
  [
    'HS256 with the JWK',
    'algorithm_refused',
    hmac('HS256', () => Buffer.from(JSON.stringify(publicJwk(keys.rs)))),
  ],
  ['HS256 with no secret', 'algorithm_refused', hmac('HS256', () => Buffer.alloc(0))],
  ['HS512', 'algorithm_refused', hmac('HS512', () => createSecretKey(pem()).export())],
  [
    'HS256 with a secret in the key set',
    'algorithm_refused',
    (w) =>
      signEncoded(
        json(head({ alg: 'HS256', kid: sharedSecret.kid })),
        json(w.claims()),
        sharedSecret.bytes,
        'HS256',
      ),
  ],
  [
    'ES256 naming the secret in the key set',
    'key_unknown',
    withHeader({ kid: sharedSecret.kid, alg: 'ES256' }),
  ],
  [
    'RS384, which its issuer does not use',
    'algorithm_refused',
    (w) => w.token({}, {}, { ...keys.rs, algorithm: 'RS384' }),
  ],
  ['ES256K', 'algorithm_refused', withHeader({ alg: 'ES256K' })],
  ['lower case', 'algorithm_refused', withHeader({ alg: 'es256' })],
  [
    'PS256 with a key for RS256',
    'key_unfit',
    (w) => w.token({}, {}, { ...keys.rs, algorithm: 'PS256' }),
  ],
  [
    'RS256 named PS256',
    'signature_wrong',
    (w) => w.token({}, { alg: 'PS256', kid: 'rs-any' }, keys.rsAny),
  ],
  ['ES256 with an RSA key', 'key_unfit', withHeader({ kid: 'rs-any' })],
  ['RS256 with an EC key', 'key_unfit', (w) => w.token({}, { kid: 'es' }, keys.rs)],
  ['EdDSA with an EC key', 'key_unfit', (w) => w.token({}, { kid: 'es' }, keys.ed)],
  ['ES384 with a P-256 key', 'key_unfit', (w) => w.token({}, { kid: 'es' }, keys.es384)],
  ['ES256 with a P-384 key', 'key_unfit', withHeader({ kid: 'es384' })],
];

const zeros = base64url(Buffer.alloc(64));

export const badSignatures: BadToken[] = [
  ['none there', 'signature_wrong', (w) => changed(w, 2, () => '')],
  ['r = s = 0', 'signature_wrong', (w) => changed(w, 2, () => zeros)],
  ['cut short', 'signature_wrong', (w) => changed(w, 2, (text) => text.slice(0, 40))],
  ['too long', 'signature_wrong', (w) => changed(w, 2, (text) => `${text.slice(0, 84)}AAAA`)],
  [
    'of another token',
    'signature_wrong',
    (w) => changed(w, 2, () => last(w.token({ sub: 'bob' }))),
  ],
  [
    'claims changed',
    'signature_wrong',
    (w) => changed(w, 1, () => json(w.claims({ sub: 'root' }))),
  ],
  ['header changed', 'signature_wrong', (w) => changed(w, 0, () => json(head({ x: 1 })))],
  ['by another key under the same id', 'signature_wrong', (w) => w.token({}, {}, keys.other)],
  ["by the other issuer's key", 'signature_wrong', (w) => w.token({}, { kid: 'es' }, keys.other)],
  [
    'by a stranger',
    'signature_wrong',
    (w) => w.token({}, { kid: 'rs' }, { ...keys.stranger, kid: 'rs' }),
  ],
];

const urls = (world: World) => `${world.canary.issuer}/jwks`;

export const badHeaders: BadToken[] = [
  ['crit: empty', 'critical_header', withHeader({ crit: [] })],
  ['crit: unknown', 'critical_header', withHeader({ crit: ['x'], x: 1 })],
  ['crit: twice the same', 'critical_header', withHeader({ crit: ['exp', 'exp'], exp: 1 })],
  ['crit: no list', 'critical_header', withHeader({ crit: 'exp' })],
  ['b64: false', 'critical_header', withHeader({ crit: ['b64'], b64: false })],
  ['b64 alone', 'critical_header', withHeader({ b64: false })],
  ['jku', 'embedded_key', (w) => w.token({}, { jku: urls(w), kid: 'stranger' }, keys.stranger)],
  ['x5u', 'embedded_key', (w) => w.token({}, { x5u: urls(w) }, keys.stranger)],
  ['jwk', 'embedded_key', (w) => w.token({}, { jwk: publicJwk(keys.stranger) }, keys.stranger)],
  ['x5c', 'embedded_key', withHeader({ x5c: ['MIIB'] })],
  ['jwk: null', 'embedded_key', withHeader({ jwk: null })],
  ['kid: a path', 'key_unknown', withHeader({ kid: '../../../../etc/passwd' })],
  ['kid: SQL', 'key_unknown', withHeader({ kid: "es' OR '1'='1" })],
  ['kid: a URL', 'key_unknown', (w) => w.token({}, { kid: urls(w) })],
  ['kid: __proto__', 'key_unknown', withHeader({ kid: '__proto__' })],
  ['kid: constructor', 'key_unknown', withHeader({ kid: 'constructor' })],
  ['kid: other case', 'key_unknown', withHeader({ kid: 'ES' })],
  ['kid: a space more', 'key_unknown', withHeader({ kid: 'es ' })],
  ['kid: not ASCII', 'key_unknown', withHeader({ kid: 'eѕ\u0000' })],
  ['kid: too long', 'key_id_malformed', withHeader({ kid: 'k'.repeat(257) })],
  ['kid: empty', 'key_id_malformed', withHeader({ kid: '' })],
  ['kid: a number', 'key_id_malformed', withHeader({ kid: 1 })],
  ['kid: a list', 'key_id_malformed', withHeader({ kid: ['es'] })],
  ['kid: null', 'key_id_malformed', withHeader({ kid: null })],
  ['kid: none, of several keys', 'key_ambiguous', withHeader({ kid: undefined })],
  ['kid: that of two keys', 'key_ambiguous', (w) => w.token({}, {}, keys.twin)],
  ['kid: withdrawn', 'key_unknown', (w) => w.token({}, {}, keys.withdrawn)],
  ["kid: the other issuer's", 'key_unknown', (w) => w.token({}, { kid: 'their' }, keys.other)],
  ['a key for encryption', 'key_unknown', (w) => w.token({}, {}, keys.encryption)],
  ['a key of 1,024 bits', 'key_unknown', (w) => w.token({}, {}, keys.short)],
  ['a key whose private part is public', 'key_unknown', (w) => w.token({}, {}, keys.published)],
  ['a key off its curve', 'key_unknown', withHeader({ kid: 'off-curve' })],
  ['typ: missing', 'type_missing', withHeader({ typ: undefined })],
  ['typ: an ID token', 'type_refused', withHeader({ typ: 'JWT' })],
  ['typ: a logout token', 'type_refused', withHeader({ typ: 'logout+jwt' })],
  ['typ: a longer name', 'type_refused', withHeader({ typ: 'at+jwt2' })],
  ['typ: a space more', 'type_refused', withHeader({ typ: ' at+jwt' })],
  [
    'typ: application/application/',
    'type_refused',
    withHeader({ typ: 'application/application/at+jwt' }),
  ],
  ['typ: a number', 'type_refused', withHeader({ typ: 1 })],
  ['typ: a list', 'type_refused', withHeader({ typ: ['at+jwt'] })],
];

const soon = limits.clockToleranceMs / 1_000;
const at = (claim: string, seconds: number): BadToken[2] => {
  return (world) => world.token({ [claim]: world.clock.seconds + seconds });
};
/** Written as it stands: numbers that JSON.stringify does not write. */
const written = (claim: string, text: string): BadToken[2] => {
  return (w) => {
    const claims = JSON.stringify({ ...w.claims(), [claim]: 'HERE' }).replace('"HERE"', text);
    return signed(json(head()), base64url(claims));
  };
};

export const badClaims: BadToken[] = [
  ['iss: missing', 'issuer_missing', withClaims({ iss: undefined })],
  ['iss: a number', 'issuer_unknown', withClaims({ iss: 1 })],
  ['iss: a list', 'issuer_unknown', (w) => w.token({ iss: [w.issuer.issuer] })],
  ['iss: unknown', 'issuer_unknown', (w) => w.token({ iss: w.canary.issuer })],
  ['iss: a slash more', 'issuer_unknown', (w) => w.token({ iss: `${w.issuer.issuer}/` })],
  ['iss: a longer one', 'issuer_unknown', (w) => w.token({ iss: `${w.issuer.issuer}2` })],
  ['iss: a shorter one', 'issuer_unknown', (w) => w.token({ iss: w.issuer.issuer.slice(0, -1) })],
  ['iss: other case', 'issuer_unknown', (w) => w.token({ iss: w.issuer.issuer.toUpperCase() })],
  ['iss: __proto__', 'issuer_unknown', withClaims({ iss: '__proto__' })],
  [
    'iss: one for subjects alone',
    'issuer_unfit',
    (w) => w.token({ iss: w.other.issuer }, {}, keys.other),
  ],
  ['iss: the other, signed by this', 'signature_wrong', (w) => w.token({ iss: w.other.issuer })],
  ['aud: missing', 'audience_missing', withClaims({ aud: undefined })],
  ['aud: another', 'audience_wrong', withClaims({ aud: 'https://other.example.com' })],
  ['aud: a longer one', 'audience_wrong', withClaims({ aud: `${audience}/admin` })],
  ['aud: a shorter one', 'audience_wrong', withClaims({ aud: audience.slice(0, -1) })],
  ['aud: other case', 'audience_wrong', withClaims({ aud: audience.toUpperCase() })],
  ['aud: an empty list', 'audience_wrong', withClaims({ aud: [] })],
  ['aud: a list of others', 'audience_wrong', withClaims({ aud: ['a', 'b'] })],
  ['aud: a list in a list', 'audience_wrong', withClaims({ aud: [[audience]] })],
  ['aud: a number', 'audience_wrong', withClaims({ aud: 1 })],
  ['aud: an object', 'audience_wrong', withClaims({ aud: { [audience]: true } })],
  ['aud: null', 'audience_wrong', withClaims({ aud: null })],
  ['sub: missing', 'subject_missing', withClaims({ sub: undefined })],
  ['sub: empty', 'subject_malformed', withClaims({ sub: '' })],
  ['sub: a number', 'subject_malformed', withClaims({ sub: 1 })],
  ['sub: a list', 'subject_malformed', withClaims({ sub: ['alice'] })],
  ['sub: an object', 'subject_malformed', withClaims({ sub: { id: 'alice' } })],
  ['sub: null', 'subject_malformed', withClaims({ sub: null })],
  ['sub: half a character', 'subject_malformed', written('sub', '"\\ud800"')],
  ['exp: missing', 'expiry_missing', withClaims({ exp: undefined })],
  ['exp: past', 'expired', at('exp', -soon)],
  ['exp: long past', 'expired', withClaims({ exp: 0 })],
  ['exp: text', 'time_malformed', withClaims({ exp: '4102444800' })],
  ['exp: null', 'time_malformed', withClaims({ exp: null })],
  ['exp: true', 'time_malformed', withClaims({ exp: true })],
  ['exp: negative', 'time_malformed', withClaims({ exp: -1 })],
  ['exp: 1e308', 'time_malformed', withClaims({ exp: 1e308 })],
  ['exp: more than any number', 'time_malformed', written('exp', '1e999')],
  ['exp: beyond all dates', 'time_malformed', (w) => w.token({ exp: w.clock.now() * 10 })],
  ['nbf: to come', 'not_yet_valid', at('nbf', soon + 1)],
  ['nbf: text', 'time_malformed', withClaims({ nbf: '0' })],
  ['nbf: a list', 'time_malformed', withClaims({ nbf: [0] })],
  ['iat: missing', 'issue_time_missing', withClaims({ iat: undefined })],
  ['iat: to come', 'issued_in_future', at('iat', soon + 1)],
  ['iat: too long ago', 'too_old', at('iat', -86_400 - soon - 1)],
  ['iat: text', 'time_malformed', withClaims({ iat: 'now' })],
  ['iat: negative', 'time_malformed', withClaims({ iat: -1 })],
  ['client_id: a number', 'client_malformed', withClaims({ client_id: 7 })],
  ['client_id: empty', 'client_malformed', withClaims({ client_id: '' })],
  ['azp: an object', 'client_malformed', withClaims({ azp: { id: 'billing' } })],
  ['azp: null', 'client_malformed', withClaims({ azp: null })],
  ['scope: a number', 'scopes_malformed', withClaims({ scope: 1 })],
  ['scope: an object', 'scopes_malformed', withClaims({ scope: { admin: true } })],
  ['scp: numbers', 'scopes_malformed', withClaims({ scope: undefined, scp: [1] })],
  ['scope: half a character', 'scopes_malformed', withClaims({ scope: 'admin\ud800' })],
];

export const badTokens: Readonly<Record<string, readonly BadToken[]>> = {
  form: badForms,
  algorithm: badAlgorithms,
  signature: badSignatures,
  header: badHeaders,
  claims: badClaims,
};

const last = (token: string) => token.split('.')[2] ?? '';

function spliced(world: World, member: string): string {
  return JSON.stringify(world.claims()).replace(/}$/, `,${member}}`);
}

function twice(world: World, name: string): string {
  return spliced(world, `"${name}":"root"`);
}

/** A good token of so many bytes. */
export function sized(world: World, bytes: number): string {
  const signatureLength = 86;
  // Base64url has no text of 4n + 1; a longer header shifts what the claims have to fill.
  for (const shift of ['', 'x', 'xx']) {
    const headPart = json(head({ shift }));
    for (let pad = Math.floor(bytes / 2); pad < bytes; pad++) {
      const bodyPart = json(world.claims({ pad: 'x'.repeat(pad) }));
      const length = headPart.length + bodyPart.length + signatureLength + 2;
      if (length === bytes) return signed(headPart, bodyPart);
      if (length > bytes) break;
    }
  }
  throw new Error(`no token has ${bytes} bytes`);
}
