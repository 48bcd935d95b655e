/** `grpc.health.v1.Health`: SERVING while the server takes calls, NOT_SERVING once it drains. */
import { HealthImplementation, type ServingStatus } from 'grpc-health-check';
import type { LongStreams } from './grpc-long-streams.ts';

export interface Health {
  drain(): void;
}

/** `''` is the server as a whole, as health checkers ask by default. */
export function createHealth(services: readonly string[], server: LongStreams): Health {
  const names = ['', ...services];
  const all = (status: ServingStatus) => names.map((name) => [name, status] as const);
  const health = new HealthImplementation(Object.fromEntries(all('SERVING')));
  health.addToServer(server);
  return {
    drain: () => {
      for (const [name, status] of all('NOT_SERVING')) health.setStatus(name, status);
    },
  };
}
