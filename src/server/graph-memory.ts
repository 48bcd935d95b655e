/** How much memory the resident graphs of a server may take. */
import { totalmem } from 'node:os';
import type { ServerConfig } from './config.ts';

/** Beside the graphs there are the process itself, the cache of the disk, and others. */
const share = 1 / 4;

export function graphBytes(
  setting: ServerConfig['graphMemory'],
  machineBytes: number = totalmem(),
  /** What the cgroup leaves; 0, or more than there is, where it leaves all. */
  constrainedBytes: number = process.constrainedMemory(),
): number {
  if (setting !== 'auto') return setting;
  const bytes = constrainedBytes > 0 ? Math.min(machineBytes, constrainedBytes) : machineBytes;
  return Math.floor(bytes * share);
}
