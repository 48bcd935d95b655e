/** A world by its name, so that any process of the bench can make the same one. */
import type { WorldName } from './load.ts';
import { workloadOf } from './workloads/all.ts';
import { foldersOf } from './workloads/folders.ts';
import { groupsOf } from './workloads/groups.ts';
import type { World } from './workloads/workload.ts';

const shaped = { folders: foldersOf, groups: groupsOf } as const;

export function worldOf({ workload, size, seed, shape }: WorldName): World {
  if (shape === undefined) return workloadOf(workload).at(size, seed);
  const make = workload === 'folders' ? shaped.folders : shaped.groups;
  return make(shape).at(size, seed);
}
