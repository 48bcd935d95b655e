/** A list of objects of one subject, held to what else its token demands: of its actor, and of itself. */

import type { Walk } from '../engine/check.ts';
import type { UnansweredRelation } from '../engine/findings.ts';
import type { ObjectRow } from '../engine/objects-of.ts';
import type { Steps } from '../engine/steps.ts';
import { allOf, type Verdict } from '../engine/verdict.ts';
import type { CompiledModel } from '../model/compiled.ts';
import type { Asked } from './asked.ts';
import { type Challenges, decide } from './step-up.ts';

interface Demands {
  readonly model: CompiledModel;
  readonly asked: Asked;
  /** Of the others who must be allowed too. */
  readonly walks: readonly Walk[];
  readonly challenges: Challenges;
  readonly steps: Steps;
}

const allowed: Verdict = { kind: 'allowed' };

/** Each relation as Check decides it; objects of which none is left are left out. */
export function* rowsHeldTo(
  rows: readonly ObjectRow[],
  demands: Demands,
): Generator<undefined, readonly ObjectRow[], void> {
  const kept: ObjectRow[] = [];
  for (const row of rows) {
    const held = rowHeldTo(row, demands);
    if (held.relations.length > 0 || held.unanswered.length > 0) kept.push(held);
    if (demands.steps.take(1 + demands.walks.length)) yield undefined;
  }
  return kept;
}

function rowHeldTo(row: ObjectRow, { model, asked, walks, challenges }: Demands): ObjectRow {
  const { object } = row;
  const own = new Map<string, Verdict>(row.relations.map((relation) => [relation, allowed]));
  for (const { relation, verdict } of row.unanswered) own.set(relation, verdict);
  const relations: string[] = [];
  const unanswered: UnansweredRelation[] = [];
  // In the order of the model: what is open for one may be open by another's doubt.
  for (const relation of model.model.types.get(object.type)?.relations.keys() ?? []) {
    const first = own.get(relation);
    if (first === undefined) continue;
    const found = allOf([undefined, ...walks], (walk) => walk?.check(object, relation) ?? first);
    const verdict = decide(asked, { type: object.type, relation }, found, challenges.add);
    if (verdict.kind === 'allowed') relations.push(relation);
    else if (verdict.kind !== 'denied') unanswered.push({ relation, verdict });
  }
  return { object, relations, unanswered };
}
