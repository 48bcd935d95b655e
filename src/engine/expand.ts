/**
 * Expand: the userset tree of one relation on one object, a single level deep. Leaves that name
 * other relations are not followed, and conditions are not evaluated.
 */
import { assert, unreachable } from '../base/assert.ts';
import { compareBytes } from '../base/bytes.ts';
import { Refusal } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { CompiledModel, CompiledRelation, Edge } from '../model/compiled.ts';
import type { Rewrite } from '../model/model.ts';
import {
  formatObject,
  formatSubject,
  isExpired,
  isWildcard,
  type ObjectRef,
  type SubjectRef,
  type Tuple,
} from '../model/tuple.ts';
import { noCondition, noGuard, type TupleReader } from '../storage/tuple-reader.ts';
import { allows } from './facts.ts';
import { overlay } from './overlay.ts';
import { type Interrupt, Steps } from './steps.ts';
import type { TreeNode } from './tree.ts';

export interface ExpandRequest {
  readonly object: ObjectRef;
  readonly relation: string;
  readonly contextualTuples: readonly Tuple[];
  /** Milliseconds since 1970: tuples that expire by then do not count. */
  readonly now: number;
  readonly interrupt?: Interrupt | undefined;
}

/**
 * Users and computed usersets are distinct and in byte order. Tuples that the model no longer
 * allows are left out. REQUIRES: the model has the relation on the object's type.
 */
export function expand(
  reader: TupleReader,
  model: CompiledModel,
  request: ExpandRequest,
): TreeNode {
  const { object, relation, now, interrupt } = request;
  const definition = model.model.types.get(object.type)?.relations.get(relation);
  assert(definition !== undefined, 'the caller made sure that the model has the relation');
  const tuples = overlay(reader, model, request.contextualTuples);
  return nodeOf(definition.rewrite, {
    reader: tuples,
    model,
    object,
    relation,
    now,
    steps: new Steps(limits.interruptSteps),
    interrupt,
  });
}

interface Place {
  readonly reader: TupleReader;
  readonly model: CompiledModel;
  readonly object: ObjectRef;
  readonly relation: string;
  readonly now: number;
  readonly steps: Steps;
  readonly interrupt: Interrupt | undefined;
}

function nodeOf(rewrite: Rewrite, place: Place): TreeNode {
  const name = usersetText(place.object, place.relation);
  switch (rewrite.kind) {
    case 'this': {
      const users = subjectsOf(place, place.relation).map(formatSubject);
      return { name, kind: 'users', users: distinct(users) };
    }
    case 'computed':
      return { name, kind: 'computed', userset: usersetText(place.object, rewrite.relation) };
    case 'from': {
      const objects = subjectsOf(place, rewrite.tupleset);
      return {
        name,
        kind: 'from',
        tupleset: usersetText(place.object, rewrite.tupleset),
        computed: distinct(objects.map((object) => usersetText(object, rewrite.relation))),
      };
    }
    case 'union':
    case 'intersection':
      return {
        name,
        kind: rewrite.kind,
        nodes: rewrite.children.map((child) => nodeOf(child, place)),
      };
    case 'exclusion':
      return {
        name,
        kind: 'difference',
        base: nodeOf(rewrite.base, place),
        subtract: nodeOf(rewrite.subtract, place),
      };
    default:
      return unreachable(rewrite);
  }
}

/** The subjects of all tuples of the relation that the model allows. */
function subjectsOf(place: Place, relation: string): SubjectRef[] {
  const { reader, model, object } = place;
  const compiled = model.relations[model.relationIndex(object.type, relation)];
  assert(compiled !== undefined, 'a model defines the relations that it names');
  const entity = reader.entity(compiled.type, object.id);
  return entity === 0 ? [] : subjectsOfEntity(place, entity, compiled);
}

/** Whether the model allows a tuple with this guard that is there; its condition need not be met. */
function isAllowed({ reader, model, now }: Place, edge: Edge, guard: number): boolean {
  if (guard === noGuard) return edge.unguarded;
  const { condition, context, expiresAt } = reader.guard(guard);
  if (isExpired(expiresAt, now) || !allows(edge, condition)) return false;
  if (condition === noCondition) return true;
  return model.conditions.get(condition)?.faultOfTupleContext(context) === undefined;
}

function subjectsOfEntity(place: Place, object: number, relation: CompiledRelation): SubjectRef[] {
  const { reader, model } = place;
  const subjects: SubjectRef[] = [];
  for (const edge of relation.edges) {
    const subjectRelation = model.relations[edge.target]?.name ?? '';
    let after = 0;
    do {
      const { subjectType } = edge;
      const run = reader.subjects(
        object,
        relation.symbol,
        subjectType,
        edge.subjectRelation,
        after,
      );
      for (let i = run.start; i < run.end; i++) {
        if (place.steps.take()) place.interrupt?.();
        if (!isAllowed(place, edge, run.guards?.[i] ?? noGuard)) continue;
        const { type, id } = reader.entityRef(run.entities[i] as number);
        const subject = { type, id, relation: subjectRelation };
        // A run of objects holds the wildcard too, which has an edge of its own.
        if (isWildcard(subject) !== edge.wildcard) continue;
        if (subjects.length === limits.checkStepsMax) throw tooMany();
        subjects.push(subject);
      }
      after = run.next;
    } while (after !== 0);
  }
  return subjects;
}

function usersetText(object: ObjectRef, relation: string): string {
  return `${formatObject(object)}#${relation}`;
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort(compareBytes);
}

function tooMany(): Refusal {
  return new Refusal(
    'authorization_model_resolution_too_complex',
    `the relation has more than ${limits.checkStepsMax} tuples on this object; read them page by page instead`,
  );
}
