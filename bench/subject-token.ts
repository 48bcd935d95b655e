// Check through its handler (a request message in, a response out, no transport), without and with a
// subject token: one that is remembered, and one that nobody has seen before.
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { create } from '@bufbuild/protobuf';
import { IdentitySource } from '../src/authn/identity/source.ts';
import { Verifier } from '../src/authn/verifier.ts';
import { systemClock } from '../src/base/clock.ts';
import {
  CheckRequestSchema,
  type CheckResponse,
} from '../src/gen/openfga/v1/openfga_service_pb.ts';
import { formatObject, formatSubject } from '../src/model/tuple.ts';
import { type Call, noCredentials } from '../src/service/call.ts';
import { createMethods } from '../src/service/router.ts';
import type { IdentityParts } from '../src/service/subject-identity.ts';
import { openSqlite } from '../src/storage/sqlite/open.ts';
import { benchStore } from './load.ts';
import { measureAsync, type Sample } from './measure.ts';
import type { Question, Workload } from './workload.ts';

/** As many groups as a token of a larger company has. */
const groupsPerToken = 10;
const subjects = 200;

export interface TokenRow {
  readonly name: string;
  readonly sample: Sample;
}

export async function withSubjectTokens(
  path: string,
  workload: Workload,
  ms: number,
): Promise<readonly TokenRow[]> {
  const issuer = await openIssuer();
  const datastore = await openSqlite({ path, clock: systemClock });
  const questions = workload.questions.direct.slice(0, subjects);
  const plain = checker(createMethods({ datastore, clock: systemClock }));
  const withFile = async (groups: boolean) => {
    const text = identityFile(issuer.url, groups);
    const source = await IdentitySource.open(async () => text);
    const verifier = new Verifier(source.identity.issuers, { clock: systemClock });
    const identity: IdentityParts = { verifier, source };
    return checker(createMethods({ datastore, clock: systemClock, identity }));
  };
  const tokens = questions.map(({ subject }, i) => issuer.token(subject.id, i));
  const at = (i: number) => i % questions.length;
  const run = async (name: string, ask: (i: number) => unknown): Promise<TokenRow> => {
    let next = 0;
    return { name, sample: await measureAsync(ms, () => ask(next++)) };
  };
  const ask = (check: Checker, tokenOf: (i: number) => string) => (i: number) =>
    check(questions[at(i)] as Question, tokenOf(i));
  const known = (i: number) => tokens[at(i)] as string;
  // Signed before the clock runs; more than are used in the time.
  const fresh = Array.from({ length: 8 * ms }, (_, i) =>
    issuer.token((questions[at(i)] as Question).subject.id, subjects + i),
  );
  const rows = [
    await run(
      'no identity file',
      ask(plain, () => ''),
    ),
    await run(
      'identity file, no token',
      ask(await withFile(false), () => ''),
    ),
    await run('token remembered, no groups', ask(await withFile(false), known)),
    await run(`token remembered, ${groupsPerToken} groups`, ask(await withFile(true), known)),
    await run(
      'new token each time, no groups',
      ask(await withFile(false), (i) => fresh[i] ?? ''),
    ),
  ];
  await datastore.close();
  issuer.close();
  return rows;
}

type Checker = (question: Question, subjectToken: string) => Promise<void> | undefined;

/** Without a promise where the handler gives none. */
function checker(methods: ReturnType<typeof createMethods>): Checker {
  const method = methods.find(({ descriptor }) => descriptor.name === 'Check');
  if (method?.kind !== 'unary') throw new Error('Check is a unary method');
  return ({ object, relation, subject, allowed }, subjectToken) => {
    const tupleKey = { user: formatSubject(subject), relation, object: formatObject(object) };
    const request = create(CheckRequestSchema, { storeId: benchStore, tupleKey });
    const judge = (response: unknown) => {
      if ((response as CheckResponse).allowed !== allowed) throw new Error('wrong answer');
    };
    const response = method.handle(request, callWith(subjectToken));
    if (response instanceof Promise) return response.then(judge);
    judge(response);
    return undefined;
  };
}

function callWith(subjectToken: string): Call {
  return {
    method: 'openfga.v1.OpenFGAService/Check',
    requestId: 'bench',
    deadline: Number.POSITIVE_INFINITY,
    signal: undefined,
    consistencyToken: '',
    credentials: { ...noCredentials, subjectToken },
    principal: undefined,
    responseHeaders: {},
  };
}

function identityFile(issuer: string, groups: boolean): string {
  const tuples =
    '    tuples: [{ each: claims.groups, relation: member, object: { type: group, id: item } }]';
  return `version: 1
issuers: [{ issuer: '${issuer}', audiences: [bench], algorithms: [ES256], map: people }]
maps:
  people:
    subject: { type: user, id: claims.sub }
${groups ? tuples : ''}
`;
}

/** An issuer on this machine: its two documents, and tokens. */
async function openIssuer() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'bench', alg: 'ES256', use: 'sig' };
  const server = createServer((request, response) => {
    const document =
      request.url === '/jwks' ? { keys: [jwk] } : { issuer: url, jwks_uri: `${url}/jwks` };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    token: (sub: string, id: number) => signed(privateKey, claimsOf(url, sub, id)),
    close: () => server.close(),
  };
}

function claimsOf(iss: string, sub: string, id: number) {
  const iat = Math.floor(systemClock.now() / 1_000);
  const groups = Array.from({ length: groupsPerToken }, (_, i) => `team-${i}`);
  return { iss, aud: 'bench', sub, groups, iat, exp: iat + 3_600, jti: String(id) };
}

function signed(key: KeyObject, claims: object): string {
  const header = { alg: 'ES256', kid: 'bench', typ: 'at+jwt' };
  const [head, body] = [header, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  const input = Buffer.from(`${head}.${body}`);
  const signature = sign('sha256', input, { key, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}
