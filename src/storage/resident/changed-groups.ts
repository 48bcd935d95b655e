/**
 * The groups of one direction that writes have changed since the base: each whole, in the versions
 * that somebody may still read. The newest is in front.
 */
import type { Revision } from '../datastore.ts';
import type { Adjacency } from './adjacency.ts';
import { bytesOfChunks, type Chunk, type MemberChange, merge } from './chunks.ts';

/** A group from a revision on, until that of the next version. */
export interface GroupVersion {
  readonly since: Revision;
  readonly chunks: readonly Chunk[];
  /** What it counts for, as though it shared nothing with other versions. */
  readonly bytes: number;
  /** Versions between the two may be left out, where nobody can read them. */
  older: GroupVersion | undefined;
}

/** Of the objects and map entries of a version, roughly. */
const bytesPerVersion = 200;

export class ChangedGroups {
  private readonly base: Adjacency;
  /** By entity, then by kind. */
  private readonly entities = new Map<number, Map<number, GroupVersion>>();
  /** Roughly what the versions take, and not less. */
  bytes = 0;

  constructor(base: Adjacency) {
    this.base = base;
  }

  /** The version that a reader of this revision sees; undefined where the base still holds. */
  find(entity: number, kind: number, revision: Revision): GroupVersion | undefined {
    let version = this.entities.get(entity)?.get(kind);
    while (version !== undefined && version.since > revision) version = version.older;
    return version;
  }

  /**
   * Makes the group's next version. REQUIRES: changes in the order in which they were made, at a
   * revision after all before. `held` are the older revisions that are still read, newest first.
   */
  change(
    entity: number,
    kind: number,
    revision: Revision,
    changes: readonly MemberChange[],
    held: readonly Revision[],
  ): void {
    let kinds = this.entities.get(entity);
    if (kinds === undefined) {
      kinds = new Map();
      this.entities.set(entity, kinds);
    }
    const before = kinds.get(kind);
    const chunks = merge(before?.chunks ?? this.base.chunks(entity, kind), changes);
    const bytes = bytesPerVersion + bytesOfChunks(chunks);
    const version: GroupVersion = { since: revision, chunks, bytes, older: undefined };
    kinds.set(kind, version);
    this.bytes += bytes;
    this.keep(version, before, held);
  }

  /** Puts behind `newest` those versions that a held revision sees, and no others. */
  private keep(
    newest: GroupVersion,
    before: GroupVersion | undefined,
    held: readonly Revision[],
  ): void {
    let last = newest;
    let next = before;
    for (const revision of held) {
      // It sees the same version as the one before it did.
      if (last.since <= revision) continue;
      for (; next !== undefined && next.since > revision; next = next.older) {
        this.bytes -= next.bytes;
      }
      last.older = next;
      if (next === undefined) return;
      last = next;
      next = next.older;
    }
    last.older = undefined;
    for (; next !== undefined; next = next.older) this.bytes -= next.bytes;
  }
}
