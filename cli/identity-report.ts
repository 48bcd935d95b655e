/** How `pemba identity explain` prints what became of a token. Nothing here prints the token. */
import type { ExplainedStep, Explanation } from '../src/authn/identity/explain.ts';
import { formatMapped } from '../src/authn/identity/id-text.ts';
import { askedSubjects, type MappedIdentity } from '../src/authn/identity/mapped.ts';
import type { AuthenticationRefusal } from '../src/authn/refusal.ts';
import type { JsonObject, JsonValue } from '../src/base/json.ts';
import { paint, print } from './output.ts';

export interface Explained {
  readonly verified: boolean;
  /** Undefined where the token cannot even be read. */
  readonly said: Said | undefined;
  /** Undefined where the token was refused before. */
  readonly mapping: Explanation | undefined;
  readonly refusal: AuthenticationRefusal | undefined;
}

/** Header and claims of a token, taken apart. */
export interface Said {
  readonly algorithm: string;
  readonly type: string | undefined;
  readonly keyId: string | undefined;
  readonly claims: JsonObject;
}

export function explainedJson({ verified, said, mapping, refusal }: Explained): object {
  const failed = refusal ?? mapping?.refusal;
  return {
    verified,
    says: said === undefined ? null : Object.fromEntries(saidRows(said)),
    map: mapping?.map ?? null,
    steps: mapping?.steps ?? [],
    ...(mapping?.identity === undefined ? {} : identityJson(mapping.identity)),
    refusal:
      failed === undefined
        ? null
        : {
            reason: failed.reason,
            code: failed.code,
            message: failed.message,
            place: 'place' in failed ? failed.place : '',
          },
  };
}

function identityJson(identity: MappedIdentity): object {
  const { subject, actor, actorMode, tuples, tokenOnly, context, scopes, facts } = identity;
  return {
    users: askedSubjects(identity).map(formatMapped),
    subject: formatMapped(subject),
    actor: actor === undefined ? null : { user: formatMapped(actor), mode: actorMode },
    tuples: tuples.map((tuple) => ({
      user: formatMapped(tuple.subject),
      relation: tuple.relation,
      object: formatMapped(tuple.object),
    })),
    token_only: tokenOnly.map(({ type, relation }) => `${type}#${relation}`),
    context,
    scopes: [...scopes],
    sign_in: {
      acr: facts.acr ?? null,
      amr: [...facts.amr],
      auth_time: facts.authTime ?? null,
    },
  };
}

export function printExplained({ verified, said, mapping, refusal }: Explained): void {
  print(verified ? paint('green', 'verified') : paint('yellow', 'NOT VERIFIED'));
  for (const [name, value] of said === undefined ? [] : saidRows(said)) {
    if (value !== null) print(`  ${name.padEnd(12)}${plain(textOf(value))}`);
  }
  for (const step of mapping?.steps ?? []) printStep(step);
  if (mapping?.identity !== undefined) printIdentity(mapping.identity);
  const failed = refusal ?? mapping?.refusal;
  if (failed === undefined) return;
  // A refusal of the mapping begins with its name already.
  const named = refusal === undefined ? failed.message : `${failed.reason}: ${failed.message}`;
  print(`\n${paint('red', 'refused')} ${named}`);
}

/** What decides whether a token is taken; all other claims are the map's. */
function saidRows({ algorithm, type, keyId, claims }: Said): [name: string, value: JsonValue][] {
  return [
    ['issuer', claims.iss ?? null],
    ['audience', claims.aud ?? null],
    ['type', type ?? null],
    ['algorithm', algorithm],
    ['key_id', keyId ?? null],
    ['issued_at', timeOf(claims.iat)],
    ['expires_at', timeOf(claims.exp)],
  ];
}

function timeOf(seconds: JsonValue | undefined): JsonValue {
  if (typeof seconds !== 'number') return seconds ?? null;
  const date = new Date(seconds * 1_000);
  return Number.isNaN(date.getTime()) ? seconds : date.toISOString();
}

function textOf(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function printStep({ place, expressions, claims, gave }: ExplainedStep): void {
  print(`\n${paint('bold', place)}`);
  for (const expression of expressions) print(`  ${plain(expression)}`);
  const reads = claims.map(({ path, present }) => (present ? path : `${path} (not there)`));
  if (reads.length > 0) print(paint('dim', `  reads ${plain(reads.join(', '))}`));
  if (gave === undefined) print('  → not reached');
  else if (gave.length === 0) print('  → nothing');
  for (const result of gave ?? []) print(`  → ${plain(result)}`);
}

function printIdentity(identity: MappedIdentity): void {
  const { subject, actor, actorMode, tuples, tokenOnly, context, scopes, facts } = identity;
  print(`\n${paint('bold', 'who is asked about')}`);
  print(`  subject     ${formatMapped(subject)}`);
  if (actor !== undefined) print(`  actor       ${formatMapped(actor)} (mode ${actorMode})`);
  print(`  must all be allowed: ${askedSubjects(identity).map(formatMapped).join(', ')}`);
  print(`${paint('bold', 'tuples')}${tuples.length === 0 ? ' none' : ''}`);
  const alone = new Set(tokenOnly.map(({ type, relation }) => `${type}#${relation}`));
  for (const { subject, relation, object } of tuples) {
    const note = alone.has(`${object.type}#${relation}`)
      ? '   (what is stored does not count)'
      : '';
    print(`  ${formatMapped(subject)} ${relation} ${formatMapped(object)}${paint('dim', note)}`);
  }
  const names = Object.entries(context);
  print(`${paint('bold', 'context')}${names.length === 0 ? ' none' : ''}`);
  for (const [name, value] of names) print(`  ${name} = ${plain(JSON.stringify(value))}`);
  print(`${paint('bold', 'scopes')} ${plain([...scopes].join(' ')) || 'none'}`);
  const signIn = [
    `acr ${facts.acr ?? 'not said'}`,
    `amr ${[...facts.amr].join(' ') || 'not said'}`,
    `at ${facts.authTime === undefined ? 'a time not said' : timeOf(facts.authTime)}`,
  ];
  print(`${paint('bold', 'sign-in')} ${plain(signIn.join(', '))}`);
}

/** Claims are written by others: nothing in them may steer a terminal or turn a line around. */
function plain(text: string): string {
  return text.replace(
    /[\p{C}\u2028\u2029]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}
