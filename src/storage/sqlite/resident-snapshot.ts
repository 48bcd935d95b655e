/** The snapshot that the engine walks, over a resident graph as of one revision. */
import { assert } from '../../base/assert.ts';
import type { ModelId } from '../../model/ids.ts';
import type { ObjectRef } from '../../model/tuple.ts';
import type { ModelRecord, Revision, Snapshot } from '../datastore.ts';
import { emptyRun } from '../resident/chunks.ts';
import type { Horizon, ResidentGraph } from '../resident/graph.ts';
import { type Guard, noTuple, type Run, type TakeTexts } from '../tuple-reader.ts';

/** What the graph does not have: rows that never change. */
export interface Rows {
  guard(store: number, guard: number): Guard;
  model(store: number, id: ModelId, revision: Revision): ModelRecord | undefined;
}

export class ResidentSnapshot implements Snapshot {
  readonly revision: Revision;
  readonly store: number;
  private readonly graph: ResidentGraph;
  private readonly horizon: Horizon;
  private readonly rows: Rows;
  private open = true;

  constructor(graph: ResidentGraph, horizon: Horizon, rows: Rows) {
    this.graph = graph;
    this.horizon = horizon;
    this.revision = horizon.revision;
    this.store = graph.base.incarnation;
    this.rows = rows;
  }

  /** After it, every question is a bug of the asker. */
  close(): void {
    this.open = false;
  }

  symbol(text: string): number {
    this.alive();
    return this.graph.symbol(this.horizon, text);
  }

  entity(type: number, id: string): number {
    this.alive();
    return type <= 0 ? 0 : this.graph.entity(this.horizon, type, id);
  }

  entityRef(entity: number): ObjectRef {
    this.alive();
    const { graph } = this;
    return { type: graph.symbolText(graph.typeOf(entity)), id: graph.nameOf(entity) };
  }

  idsOf(entities: readonly number[]): string[] {
    this.alive();
    return this.graph.namesOf(entities);
  }

  takeIds(entities: readonly number[], take: TakeTexts): void {
    this.alive();
    this.graph.takeNames(entities, take);
  }

  guard(guard: number): Guard {
    this.alive();
    return this.rows.guard(this.store, guard);
  }

  find(object: number, relation: number, subject: number, subjectRelation: number): number {
    this.alive();
    if (object <= 0 || relation <= 0 || subject <= 0 || subjectRelation < 0) return noTuple;
    return this.graph.find(this.revision, object, relation, subject, subjectRelation);
  }

  subjects(
    object: number,
    relation: number,
    subjectType: number,
    subjectRelation: number,
    after: number,
  ): Run {
    this.alive();
    if (object <= 0 || relation <= 0 || subjectType <= 0 || subjectRelation < 0) return emptyRun;
    const { graph, revision } = this;
    return graph.subjects(revision, object, relation, subjectType, subjectRelation, after);
  }

  objects(
    subject: number,
    subjectRelation: number,
    relation: number,
    objectType: number,
    after: number,
  ): Run {
    this.alive();
    if (subject <= 0 || subjectRelation < 0 || relation <= 0 || objectType <= 0) return emptyRun;
    const { graph, revision } = this;
    return graph.objects(revision, subject, subjectRelation, relation, objectType, after);
  }

  lastChange(relation: number, subjectType: number, subjectRelation: number): number {
    this.alive();
    return this.graph.lastChange(this.revision, relation, subjectType, subjectRelation);
  }

  isNamed(subject: number, relation: number, objectType: number): boolean {
    const { start, end } = this.objects(subject, 0, relation, objectType, 0);
    return start < end;
  }

  latestModelId(): ModelId | undefined {
    this.alive();
    return this.graph.latestModelId(this.revision);
  }

  model(id: ModelId): ModelRecord | undefined {
    this.alive();
    return this.rows.model(this.store, id, this.revision);
  }

  private alive(): void {
    assert(this.open, 'a snapshot is used only within its view');
  }
}
