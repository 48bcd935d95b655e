/** Bugs of the resident graph: how it is built, how it takes in changes, and when it must not answer. */
import type { Mutant } from './mutant.ts';

const graph = 'src/storage/resident/graph.ts';
const chunks = 'src/storage/resident/chunks.ts';
const residency = 'src/storage/resident/residency.ts';

const changes: readonly Mutant[] = [
  {
    name: 'change-not-applied-backwards',
    recreates: 'A34, class: missed results',
    what: 'a write reaches the side that checks read, and not the side that lists read',
    file: graph,
    text: '      backward.add(subject, turned, { member: object, guard });\n',
    replacement:
      '      if (turned < 0) backward.add(subject, turned, { member: object, guard });\n',
  },
  {
    name: 'commits-of-the-head-left-out',
    recreates: 'class: stale caches',
    what: 'the changes of the newest revision are not taken in, its number is',
    file: 'src/storage/sqlite/read-commits.ts',
    text: 'for (const [revision, pack] of readChanges.iterate(key, after, last)) {',
    replacement: 'for (const [revision, pack] of readChanges.iterate(key, after, head - 1)) {',
  },
  {
    name: 'changes-out-of-order',
    recreates: 'class: revision order',
    what: 'the changes of one revision are taken in from the last to the first',
    file: 'src/storage/sqlite/read-commits.ts',
    text: 'changes[revision - after - 1]?.push(change);',
    replacement: 'changes[revision - after - 1]?.unshift(change);',
  },
  {
    name: 'first-change-counts',
    recreates: 'class: revision order',
    what: 'of several changes to a tuple in one revision the first one counts',
    file: chunks,
    text: 'for (const { member, guard } of changes) last.set(member, guard);',
    replacement:
      'for (const { member, guard } of changes) if (!last.has(member)) last.set(member, guard);',
  },
  {
    name: 'overlay-delete-ignored',
    recreates: 'A42, class: stale caches',
    what: 'a tuple that was deleted is taken for one without a condition',
    file: graph,
    text: 'const guard = change.guard < 0 ? gone : change.guard;',
    replacement: 'const guard = change.guard === gone - 1 ? gone : Math.max(0, change.guard);',
  },
  {
    name: 'delete-takes-its-neighbour',
    recreates: 'class: missed results',
    what: 'a delete takes the next member of its group away too',
    file: chunks,
    text: 'const rest = members[at] === member ? at + 1 : at;\n  const own',
    replacement:
      'const rest = members[at] === member ? Math.min(at + (guard === gone ? 2 : 1), members.length) : at;\n  const own',
  },
  {
    name: 'guards-lost-beside-a-change',
    recreates: 'A23',
    what: 'those members of a group that come after the changed one lose their conditions',
    file: chunks,
    text: '      mergedGuards.set(guards.subarray(rest), at + own);\n',
    replacement: '',
  },
  {
    name: 'guards-lost-in-a-large-write',
    recreates: 'A23',
    what: 'a write that changes several members of a group takes the conditions of the others',
    file: chunks,
    text: 'guards.push(old.guards === undefined ? 0 : (old.guards[at] as number));',
    replacement: 'guards.push(0);',
  },
  {
    name: 'model-before-the-newest',
    recreates: 'A19',
    what: 'of the models written since the base the oldest counts as the latest',
    file: graph,
    text: 'this.models.unshift({ since: revision, id: model });',
    replacement: 'this.models.push({ since: revision, id: model });',
  },
  {
    name: 'newest-name-unknown',
    recreates: 'class: missed results',
    what: 'the name that came last is not found until another one comes',
    file: graph,
    text: 'return added > horizon.entities ? 0 : added;',
    replacement: 'return added >= horizon.entities ? 0 : added;',
  },
];

const bases: readonly Mutant[] = [
  {
    name: 'guard-lost-in-turning',
    recreates: 'A23',
    what: 'the side of a base that lists read has no conditions',
    file: 'src/storage/resident/base.ts',
    text: '        if (guards.length > 0) turnedGuards[to] = guards[at] as number;\n',
    replacement: '',
  },
  {
    name: 'base-revision-one-ahead',
    recreates: 'class: revision order',
    what: 'a base says that it has one revision more than it has, which it then never takes in',
    file: 'src/storage/sqlite/read-base.ts',
    text: 'return builder.build({ incarnation: key, revision, latestModel, symbols });',
    replacement:
      'return builder.build({ incarnation: key, revision: revision + 1, latestModel, symbols });',
  },
  {
    name: 'guard-lost-in-building',
    recreates: 'A23',
    what: 'a base that is built, or folded anew, has no conditions',
    file: 'src/storage/resident/base.ts',
    text: '    this.guards[at] = guard;\n',
    replacement: '',
  },
  {
    name: 'last-member-left-out',
    recreates: 'class: missed results',
    what: 'the last member of a group is not read',
    file: 'src/storage/resident/adjacency.ts',
    text: 'const { rows, from, to, guarded } = this;\n    const start',
    replacement:
      'const { rows, from, guarded } = this;\n    const to = Math.max(from + 1, this.to - 1);\n    const start',
  },
  {
    name: 'guards-of-all-groups-dropped',
    recreates: 'A23',
    what: 'a run of members comes without their conditions',
    file: 'src/storage/resident/adjacency.ts',
    text: '      guards: guarded ? this.guards : undefined,\n      start,',
    replacement: '      guards: undefined,\n      start,',
  },
  {
    name: 'kinds-without-their-third',
    recreates: 'A12, class: key collisions',
    what: 'users and usersets of one type are one kind of subject',
    file: 'src/storage/resident/kinds.ts',
    text: 'if (slots[slot] === first && slots[slot + 1] === second && slots[slot + 2] === third) {',
    replacement: 'if (slots[slot] === first && slots[slot + 1] === second) {',
  },
];

const places: readonly Mutant[] = [
  {
    name: 'evicted-graph-still-answers',
    recreates: 'A42, class: stale caches',
    what: 'a graph that gave way is found again as it was, without what was written since',
    file: residency,
    text: `  graph(store: StoreId): ResidentGraph | undefined {
    let resident = this.last?.store === store ? this.last : this.residents.get(store);
    this.last = resident;`,
    replacement: `  private readonly once = new Map<StoreId, Resident>();

  graph(store: StoreId): ResidentGraph | undefined {
    let resident = this.residents.get(store) ?? this.once.get(store);
    if (resident !== undefined) this.once.set(store, resident);`,
  },
  {
    name: 'graph-of-the-life-before',
    recreates: 'A57',
    what: 'the graph of a deleted store takes in what is written under its id again',
    file: 'src/storage/sqlite/read-commits.ts',
    text: 'if (key !== graph.base.incarnation) return undefined;',
    replacement: 'if (key === 0) return undefined;',
  },
  {
    name: 'commit-heard-of-late',
    recreates: 'class: new enemy',
    what: 'a graph takes in a commit only when the next one is there',
    file: residency,
    text: 'const commits = this.source.commits(store, resident.graph, changesPerSlice);',
    replacement: `const commits = this.source.commits(store, resident.graph, changesPerSlice);
        if (commits?.length === 1) return;`,
  },
  {
    name: 'half-a-commit-is-seen',
    recreates: 'class: snapshots that move',
    what: 'of a commit that is taken in by parts, the first ones replace what is still read',
    file: graph,
    text: 'held.unshift(this.head.revision);',
    replacement: 'held.length = 0;',
  },
  {
    name: 'held-versions-not-kept',
    recreates: 'class: snapshots that move',
    what: 'what a long list holds is dropped when its group changes',
    file: graph,
    text: 'const held = [...this.held.keys()].sort((a, b) => b - a);',
    replacement: 'const held = [...this.held.keys()].filter((revision) => revision < 0);',
  },
  {
    name: 'held-reader-sees-the-newest',
    recreates: 'class: snapshots that move',
    what: 'what a long list holds changes while it is read',
    file: 'src/storage/resident/changed-groups.ts',
    text: 'while (version !== undefined && version.since > revision) version = version.older;',
    replacement:
      'while (version !== undefined && version.since < 0 * revision) version = version.older;',
  },
];

export const graphMutants: readonly Mutant[] = [...changes, ...bases, ...places];
