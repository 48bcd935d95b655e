// Good tokens, changed by chance: in a byte, a part, the header, a claim, the order. Whatever comes
// out is another text than its issuer signed, and must not be taken. (The second form of an ECDSA
// signature, r and n - s, is left out: it is as good as the first, and makes no other token.)
import type { RandomSource } from '../oracle/random-source.ts';
import { base64url, json, publicJwk, signEncoded, type TestKey } from './signing.ts';
import { keys, type World } from './world.ts';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const signers: readonly TestKey[] = [keys.rs, keys.rsAny, keys.es, keys.ed, keys.es384];

type Mutation = (token: string, random: RandomSource, world: World) => string;

const spliced = (text: string, at: number, removed: number, inserted = '') =>
  text.slice(0, at) + inserted + text.slice(at + removed);

const partOf = (token: string, part: number) => token.split('.')[part] ?? '';

function withPart(token: string, part: number, change: (text: string) => string): string {
  return token
    .split('.')
    .map((text, index) => (index === part ? change(text) : text))
    .join('.');
}

function decoded(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, 'base64url').toString());
}

const headerChanges: readonly ((random: RandomSource) => object)[] = [
  (random) => ({
    alg: random.pick(['none', 'HS256', 'RS256', 'PS256', 'ES256', 'EdDSA', 'ES384']),
  }),
  (random) => ({
    kid: random.pick([...signers.map(({ kid }) => kid), '', '../x', '__proto__', 0]),
  }),
  (random) => ({ typ: random.pick(['JWT', 'at+jwt', 'application/at+jwt', null, 'AT+JWT', 1]) }),
  () => ({ jwk: publicJwk(keys.stranger) }),
  () => ({ jku: 'https://attacker.example.com/jwks' }),
  (random) => ({ crit: random.pick([[], ['exp'], ['b64']]), b64: false }),
  () => ({ enc: 'A128GCM' }),
  () => ({ cty: 'JWT' }),
];

const claimChanges: readonly ((random: RandomSource, world: World) => object)[] = [
  (random) => ({ sub: random.pick(['root', '', '*', 'alice ', 1, ['alice'], null]) }),
  (random) => ({ aud: random.pick([[], '', '*', null, 'https://pemba.example.com/']) }),
  (random) => ({ exp: random.pick([9_999_999_999, '9', null, -1, 1e308]) }),
  (random) => ({ scope: random.pick(['fga.admin', '', 1]) }),
  (_random, world) => ({ iss: world.other.issuer }),
  () => ({ client_id: 'admin' }),
  () => ({ admin: true }),
];

const flipByte: Mutation = (token, random) => {
  const at = random.below(token.length);
  return spliced(token, at, 1, String.fromCharCode(random.below(128)));
};
const flipCharacter: Mutation = (token, random) =>
  spliced(token, random.below(token.length), 1, alphabet[random.below(64)]);
const remove: Mutation = (token, random) =>
  spliced(token, random.below(token.length), 1 + random.below(4));
const insert: Mutation = (token, random) =>
  spliced(token, random.below(token.length + 1), 0, alphabet[random.below(64)]);
const cut: Mutation = (token, random) => token.slice(0, random.below(token.length));
const double: Mutation = (token, random) => {
  const at = random.below(token.length);
  return spliced(token, at, 0, token.slice(at, at + 1 + random.below(8)));
};
const pad: Mutation = (token, random) =>
  withPart(token, random.below(3), (part) => part + random.pick(['=', '==', ' ', '\n', '.', 'A']));
/** The last character's spare bits, where it has some. */
const respell: Mutation = (token, random) =>
  withPart(token, random.below(3), (part) => {
    const last = alphabet.indexOf(part.at(-1) ?? '');
    return part.slice(0, -1) + alphabet[last ^ (1 << random.below(4))];
  });
const swapParts: Mutation = (token, random) => {
  const parts = token.split('.');
  const [from, to] = [random.below(3), random.below(3)];
  [parts[from], parts[to]] = [parts[to] ?? '', parts[from] ?? ''];
  return parts.join('.');
};
const flipSignatureBit: Mutation = (token, random) =>
  withPart(token, 2, (part) => {
    const bytes = Buffer.from(part, 'base64url');
    const at = random.below(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
    return base64url(bytes);
  });
const changeHeader: Mutation = (token, random) =>
  withPart(token, 0, (part) => json({ ...decoded(part), ...random.pick(headerChanges)(random) }));
const changeClaims: Mutation = (token, random, world) =>
  withPart(token, 1, (part) =>
    json({ ...decoded(part), ...random.pick(claimChanges)(random, world) }),
  );
const borrowSignature: Mutation = (token, random, world) => {
  const other = world.token({ other: random.below(1e9) }, {}, random.pick(signers));
  return withPart(token, 2, () => partOf(other, 2));
};
/** Signed, and well, by one who is not the issuer: changed claims, the issuer's key id. */
const signAsStranger: Mutation = (token, random, world) => {
  const signer = random.pick([keys.stranger, keys.other, keys.withdrawn, keys.short]);
  const header = { ...decoded(partOf(token, 0)), alg: signer.algorithm };
  const claims = { ...decoded(partOf(token, 1)), ...random.pick(claimChanges)(random, world) };
  return signEncoded(json(header), json(claims), signer.privateKey, signer.algorithm);
};
const signWithPublicKey: Mutation = (token, random) => {
  const { publicKey } = random.pick(signers);
  const format = random.pick(['pem', 'der'] as const);
  const secret = Buffer.from(publicKey.export({ type: 'spki', format: format as 'pem' }));
  const header = { ...decoded(partOf(token, 0)), alg: random.pick(['HS256', 'HS512']) };
  return signEncoded(json(header), partOf(token, 1), secret, String(header.alg));
};

const mutations: readonly Mutation[] = [
  flipByte,
  flipCharacter,
  remove,
  insert,
  cut,
  double,
  pad,
  respell,
  swapParts,
  flipSignatureBit,
  changeHeader,
  changeClaims,
  borrowSignature,
  signAsStranger,
  signWithPublicKey,
];

export interface MutationTally {
  readonly tried: number;
  readonly accepted: readonly string[];
  readonly byReason: ReadonlyMap<string, number>;
}

/** Tries so many; the unchanged token is taken every now and then, or the count would say nothing. */
export async function tryMutations(
  world: World,
  random: RandomSource,
  count: number,
): Promise<MutationTally> {
  const originals = signers.map((key) => world.token({ note: key.kid }, {}, key));
  const byReason = new Map<string, number>();
  const accepted: string[] = [];
  const attempt = async () => {
    const original = random.pick(originals);
    let token = original;
    while (token === original) token = random.pick(mutations)(original, random, world);
    const reason = await world.verifier.verify(token, 'caller').then(
      () => 'accepted',
      ({ reason, message }) => reason ?? `no refusal: ${message}`,
    );
    byReason.set(reason, (byReason.get(reason) ?? 0) + 1);
    if (reason === 'accepted' || reason.startsWith('no refusal')) accepted.push(token);
  };
  for (let tried = 0; tried < count; tried += 100) {
    await Promise.all(Array.from({ length: Math.min(100, count - tried) }, attempt));
    await world.verifier.verify(world.token({ tried }, {}, random.pick(signers)), 'caller');
  }
  return { tried: count, accepted, byReason };
}
