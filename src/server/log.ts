/**
 * The log: JSON lines or short text on standard error. Never bodies, never who was asked about,
 * never a secret: a request leaves its method, outcome, duration, id and store.
 */
import { type Logger, pino } from 'pino';
import type { ServerConfig } from './config.ts';

export interface Log {
  readonly logger: Logger;
  /** Writes what is still buffered. */
  flush(): void;
}

/** Where lines go; the process's standard error unless a test listens. */
export interface LogSink {
  write(line: string): void;
}

export function createLog(
  { logLevel, logFormat }: Pick<ServerConfig, 'logLevel' | 'logFormat'>,
  sink?: LogSink,
): Log {
  // Lines of a busy server leave in blocks; nobody waits for the disk or the pipe.
  const buffered = { dest: 2, sync: false, minLength: 4096, periodicFlush: 500 };
  const direct = { dest: 2, sync: true };
  const out = sink ?? pino.destination(logFormat === 'json' ? buffered : direct);
  const level = logLevel === 'off' ? 'silent' : logLevel;
  const options = {
    level,
    base: null,
    formatters: { level: (label: string) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  const target = logFormat === 'json' ? out : { write: (line: string) => out.write(asText(line)) };
  return {
    logger: pino(options, target),
    flush: () => {
      if ('flushSync' in out && typeof out.flushSync === 'function') out.flushSync();
    },
  };
}

/** `12:30:01.250 info  request method=Check status=ok`, and the stack of an error below it. */
function asText(line: string): string {
  const { level, time, msg, err, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const clock = String(time).slice(11, 23);
  const fields = Object.entries(rest).map(([name, value]) => ` ${name}=${display(value)}`);
  const stack = (err as { stack?: unknown } | undefined)?.stack;
  const below = stack === undefined ? '' : `\n${stack}`;
  return `${clock} ${String(level).padEnd(5)} ${msg}${fields.join('')}${below}\n`;
}

function display(value: unknown): string {
  return typeof value === 'string' && /^[\w.:/#@-]+$/.test(value) ? value : JSON.stringify(value);
}
