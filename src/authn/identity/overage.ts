/**
 * Claims that a token leaves out because they would be too long: Entra sends `_claim_names`, which
 * says where to ask for them, or `hasgroups`. "No groups" would be a wrong reading of either.
 */
import type { ClaimMap } from './claims.ts';
import { type CompiledMap, type CompiledTuple, expressionsOf } from './compiled.ts';
import type { CompiledExpression } from './expression.ts';
import { MappingRefusal } from './mapping-refusal.ts';

/** Throws a MappingRefusal if the map reads what the token leaves out, but for rules that say `ignore`. */
export function refuseLeftOut(map: CompiledMap, claims: ClaimMap): void {
  const left = leftOut(claims);
  if (left.size === 0) return;
  const rules = map.tuples.filter(
    ({ overage, authority }) => overage === 'deny' && authority !== 'store',
  );
  const expressions = [
    map.requirement,
    ...map.subject.parts,
    ...(map.actor?.parts ?? []),
    ...rules.flatMap(expressionsOf),
    ...map.context.values(),
  ];
  const reader = expressions.find((expression) => expression && reads(expression, left));
  if (reader !== undefined) throw new MappingRefusal('claims_elsewhere', reader.place);
}

export function readsLeftOut(rule: CompiledTuple, claims: ClaimMap): boolean {
  const left = leftOut(claims);
  return left.size > 0 && expressionsOf(rule).some((expression) => reads(expression, left));
}

const none: ReadonlySet<string> = new Set();

function leftOut(claims: ClaimMap): ReadonlySet<string> {
  const names = claims.get('_claim_names');
  const hasGroups = claims.get('hasgroups') ?? false;
  if (names === undefined && hasGroups === false) return none;
  if (names !== undefined && !(names instanceof Map)) {
    throw new MappingRefusal('claims_malformed', '');
  }
  return new Set([...(names?.keys() ?? []), ...(hasGroups === false ? [] : ['groups'])]);
}

function reads(expression: CompiledExpression, left: ReadonlySet<string>): boolean {
  return expression.reads
    .values()
    .some((path) => path === '*' || left.has(path.split('.', 1)[0] ?? ''));
}
