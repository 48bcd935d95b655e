/** All workloads, in the order of the tables. */
import { arrows } from './arrows.ts';
import { bans } from './bans.ts';
import { conditions } from './conditions.ts';
import { drive } from './drive.ts';
import { folders } from './folders.ts';
import { groups } from './groups.ts';
import { hosting } from './hosting.ts';
import type { Workload } from './workload.ts';

export const workloads: readonly Workload[] = [
  drive,
  hosting,
  folders,
  groups,
  arrows,
  bans,
  conditions,
];

export function workloadOf(name: string): Workload {
  const found = workloads.find((workload) => workload.name === name);
  if (found !== undefined) return found;
  const names = workloads.map((workload) => workload.name).join(', ');
  throw new Error(`\`${name}\` is no workload; there are ${names}`);
}
