// Check through its handler (a request message in, a response out, no transport), without and with a
// subject token: one that is remembered, and one that nobody has seen before.
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { create } from '@bufbuild/protobuf';
import { IdentitySource } from '../../src/authn/identity/source.ts';
import { Verifier } from '../../src/authn/verifier.ts';
import { systemClock } from '../../src/base/clock.ts';
import {
  CheckRequestSchema,
  type CheckResponse,
} from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import { type Call, noCredentials } from '../../src/service/call.ts';
import { createMethods } from '../../src/service/router.ts';
import type { IdentityParts } from '../../src/service/subject-identity.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';
import { judgeCheck } from '../callers/caller.ts';
import type { Loaded } from '../load.ts';
import { type Ask, closedLoop } from '../measure/closed-loop.ts';
import { microsEach, perSecond } from '../measure/sample.ts';
import type { Results } from '../results.ts';
import type { CheckQuestion } from '../workloads/workload.ts';
import { worldOf } from '../worlds.ts';

/** As many groups as a token of a larger company has. */
const groupsPerToken = 10;
const subjects = 200;

/** REQUIRES: the class `direct`, of which each question has one tuple for its answer. */
export async function subjectTokens(loaded: Loaded, ms: number, results: Results): Promise<void> {
  const issuer = await openIssuer();
  const datastore = await openSqlite({ path: loaded.path, clock: systemClock });
  const questions = (worldOf(loaded.world).checks.direct ?? []).slice(0, subjects);
  const checkerOf = (methods: ReturnType<typeof createMethods>) => checker(methods, loaded.store);
  const plain = checkerOf(createMethods({ datastore, clock: systemClock }));
  const withFile = async (groups: boolean) => {
    const text = identityFile(issuer.url, groups);
    const source = await IdentitySource.open(async () => text);
    const verifier = new Verifier(source.identity.issuers, { clock: systemClock });
    const identity: IdentityParts = { verifier, source };
    return checkerOf(createMethods({ datastore, clock: systemClock, identity }));
  };
  const names = questions.map(({ subject }) => subject.slice(subject.indexOf(':') + 1));
  const tokens = names.map((name, i) => issuer.token(name, i));
  const run = async (name: string, check: Checker, tokenOf: (i: number) => string) => {
    const asks = questions.map(
      (question, i): Ask =>
        () =>
          check(question, tokenOf(i)),
    );
    const job = { asks, answersEach: 1 };
    await closedLoop(job, { ms: ms / 2, clients: 1 });
    const before = process.cpuUsage();
    const done = await closedLoop(job, { ms, clients: 1 });
    const { user, system } = process.cpuUsage(before);
    const sample = { ...done, cpuMicros: user + system };
    results.tokens.push({ name, perSecond: perSecond(sample), micros: microsEach(sample) });
  };
  const known = (i: number) => tokens[i] ?? '';
  let number = subjects;
  await run('no identity file', plain, () => '');
  await run('identity file, no token', await withFile(false), () => '');
  await run('token remembered, no groups', await withFile(false), known);
  await run(`token remembered, ${groupsPerToken} groups`, await withFile(true), known);
  // Signed before the clock runs; more than are verified in the time.
  const fresh = Array.from({ length: 12 * Math.ceil(ms) }, (_, i) =>
    issuer.token(names[i % names.length] ?? '', number++),
  );
  // The questions come in turn, and so do the tokens of those whom they are about.
  let next = 0;
  await run('new token each time, no groups', await withFile(false), () => fresh[next++] ?? '');
  await datastore.close();
  issuer.close();
}

type Checker = (question: CheckQuestion, subjectToken: string) => ReturnType<Ask>;

/** Without a promise where the handler gives none. */
function checker(methods: ReturnType<typeof createMethods>, storeId: string): Checker {
  const method = methods.find(({ descriptor }) => descriptor.name === 'Check');
  if (method?.kind !== 'unary') throw new Error('Check is a unary method');
  return (question, subjectToken) => {
    const { object, relation, subject: user } = question;
    const request = create(CheckRequestSchema, { storeId, tupleKey: { user, relation, object } });
    const judge = (response: unknown) => {
      judgeCheck(question, (response as CheckResponse).allowed);
      return undefined;
    };
    const response = method.handle(request, callWith(subjectToken));
    return response instanceof Promise ? response.then(judge) : judge(response);
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
