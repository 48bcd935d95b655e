/**
 * The log: JSON lines or short text on standard error. Never bodies, never who was asked about,
 * never a secret: a request leaves its method, outcome, duration, id and store.
 */
import { type Logger, pino } from 'pino';
import type { Clock } from '../base/clock.ts';
import type { ServerConfig } from './config.ts';
import { LineBlocks } from './line-blocks.ts';
import { type RequestLine, requestLog } from './request-log.ts';

export interface Log {
  readonly logger: Logger;
  /** A line of the level `info` for an answered request; undefined where nobody reads that level. */
  readonly request: ((line: RequestLine) => void) | undefined;
  /** Writes lines that another thread's log has made. */
  write(lines: string): void;
  /** Writes what is still buffered. */
  flush(): void;
}

/** Where lines go; the process's standard error unless a test listens. */
export interface LogSink {
  write(line: string): void;
}

export interface LogOptions {
  readonly sink?: LogSink | undefined;
  /** Which of the threads that serve writes them; undefined where one alone serves. */
  readonly worker?: number;
}

export function createLog(
  { logLevel, logFormat }: Pick<ServerConfig, 'logLevel' | 'logFormat'>,
  clock: Clock,
  { sink, worker }: LogOptions = {},
): Log {
  const { lines, requestLines, madeLines, flush } = sinksOf(logFormat, sink);
  const logger = pino(
    {
      level: logLevel === 'off' ? 'silent' : logLevel,
      base: worker === undefined ? null : { worker },
      formatters: { level: (label: string) => ({ level: label }) },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    lines,
  );
  const request = logger.isLevelEnabled('info')
    ? requestLog(requestLines, clock, worker)
    : undefined;
  return { logger, request, write: (made) => madeLines.write(made), flush };
}

interface Sinks {
  readonly lines: LogSink;
  readonly requestLines: LogSink;
  /** Takes them as they are to be shown. */
  readonly madeLines: LogSink;
  flush(): void;
}

/** ENSURES: lines come out in the order in which they were written. */
function sinksOf(logFormat: ServerConfig['logFormat'], sink: LogSink | undefined): Sinks {
  if (logFormat === 'text') {
    const out = sink ?? pino.destination({ dest: 2, sync: true });
    const lines = { write: (line: string) => void out.write(asText(line)) };
    return { lines, requestLines: lines, madeLines: out, flush: () => {} };
  }
  if (sink !== undefined)
    return { lines: sink, requestLines: sink, madeLines: sink, flush: () => {} };
  // Nobody waits for the disk or the pipe. The lines of requests leave in blocks, others at once.
  const out = pino.destination({ dest: 2, sync: false });
  const blocks = new LineBlocks(out);
  const lines = {
    write(line: string) {
      blocks.flush();
      out.write(line);
    },
  };
  let isOpen = true;
  out.once('close', () => {
    isOpen = false;
  });
  const flush = () => {
    if (!isOpen) return;
    blocks.flush();
    out.flushSync();
  };
  process.once('exit', flush);
  return { lines, requestLines: blocks, madeLines: blocks, flush };
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
