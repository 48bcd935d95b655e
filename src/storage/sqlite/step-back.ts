/** Lets other threads have the processor first, where they are more than there are cores for. */
import { setPriority } from 'node:os';

/**
 * How far, in the system's steps: of two that both want a core, each step leaves about a fifth less to
 * the one that took it. A write is waited for by somebody; a base by nobody, the old one still answers.
 */
const steps = { writer: 3, bases: 10 } as const;

/** REQUIRES: called in a thread of its own. Only Linux tells the threads of a process apart. */
export function stepBack(who: keyof typeof steps): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(steps[who]);
  } catch {
    // Where the system does not let it, the thread goes on as it is.
  }
}
