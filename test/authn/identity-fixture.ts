/** The identity file that most tests of the mapping read, and the claims of one token for it. */
import { Identity } from '../../src/authn/identity/identity.ts';
import type { MappedIdentity } from '../../src/authn/identity/mapped.ts';

export const issuer = 'https://idp.example.com/';
/** 2026-11-22T12:00:00Z */
export const now = 1_795_348_800_000;
export const seconds = now / 1_000;

export const exampleFile = `version: 1
issuers:
  - issuer: ${issuer}
    audiences: [https://pemba.example.com]
    token_types: [at+jwt]
    algorithms: [RS256, ES256, EdDSA]
    clock_tolerance: 30s
    max_token_age: 24h
    use: [caller, subject]
    map: default
maps:
  default:
    require: claims.?email_verified.orValue(true) == true
    subject: { type: user, id: claims.sub, namespace: corp }
    actor: { type: agent, id: claims.?act.?sub, mode: both }
    tuples:
      - { each: claims.?groups, relation: member, object: { type: group, id: item }, max: 200, overage: deny }
      - { each: claims.?roles, relation: assignee, object: { type: role, id: [claims.org_id, item] } }
      - { when: has(claims.org_id), relation: member, object: { type: org, id: claims.org_id }, authority: token }
    context:
      token_acr: claims.?acr.orValue('')
      token_amr: claims.?amr.orValue([])
      token_auth_age: now - int(claims.?auth_time.orValue(0))
      token_scopes: claims.?scope.orValue('').split(' ')
scopes: { check: fga.check, batch_check: fga.check, write: fga.write, write_authorization_model: fga.admin }
scope_ceiling: [{ relation: can_write, any: [docs.write] }]
step_up: [{ type: account, relation: can_close, acr_any: ['urn:pemba:loa:2', phr, phrh], max_age: 300 }]
subject_binding: verify
`;

export const exampleClaims = {
  iss: issuer,
  sub: 'auth0|6f3a',
  groups: ['eng', 'Domain Admins'],
  roles: ['editor'],
  org_id: 'acme',
  scope: 'fga.check docs.read',
  acr: 'urn:pemba:loa:1',
  amr: ['pwd'],
  auth_time: seconds - 77,
  act: { sub: 'agent-7', act: { sub: 'svc-2' } },
};

/** A file of one issuer and one map, which is given as YAML, indented by four. */
export function fileWith(map: string, more = ''): string {
  return `version: 1
issuers:
  - issuer: ${issuer}
    audiences: [https://pemba.example.com]
    map: only
maps:
  only:
${map}
${more}`;
}

export const plainMap = '    subject: { type: user, id: claims.sub }';

export function mapped(file: string, claims: object, at = now): MappedIdentity {
  const outcome = new Identity(file).map(issuer, { iss: issuer, ...claims }, at);
  if (outcome.kind === 'refused') throw outcome.refusal;
  return outcome.identity;
}

/** The reason of the refusal, or `mapped`. */
export function reasonFor(file: string, claims: unknown, at = now): string {
  const outcome = new Identity(file).map(issuer, claims, at);
  return outcome.kind === 'refused' ? outcome.refusal.reason : 'mapped';
}

export function tupleTexts(identity: MappedIdentity): string[] {
  return identity.tuples.map(
    ({ object, relation, subject }) =>
      `${object.type}:${object.id}#${relation}@${subject.type}:${subject.id}`,
  );
}
