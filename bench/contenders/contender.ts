/** Whoever answers in the tables: Pemba by one of its doors, the floor, a peer. All are asked alike. */
import type { JobName } from '../callers/jobs.ts';
import type { OpenLoop } from '../measure/open-loop.ts';
import type { Sample } from '../measure/sample.ts';

export type Path = 'engine' | 'api' | 'sqlite' | 'sqlite api' | 'grpc' | 'http' | 'embedded';

export interface OpenRate {
  readonly rate: number;
  readonly ms: number;
  /** Whether who asks leaves the cores to others in between. */
  readonly resting?: boolean;
}

export interface Contender {
  /** `Pemba`, `floor`, `SpiceDB`, `openfga 127.0.0.1:8081`. */
  readonly name: string;
  readonly path: Path;
  /** Whether it can do the job at all. */
  can(job: JobName): boolean;
  /** Answers with no rest between them; throws where one is wrong. */
  closed(job: JobName, ms: number): Promise<Sample>;
  /** Undefined where requests cannot come from outside. */
  readonly open?: (job: JobName, at: OpenRate) => Promise<OpenLoop>;
  /** What a call costs that does nothing, where that is not the floor's. */
  readonly refused?: (ms: number) => Promise<Sample>;
  stop(): Promise<void>;
}

/** Requests in flight of the closed loops over a wire. */
export const inFlight = 32;
export const writersInFlight = 64;

export function clientsOf(job: JobName): number {
  if (job === 'write') return writersInFlight;
  return job === 'batch' || job === 'objects' || job === 'users' ? 8 : inFlight;
}
