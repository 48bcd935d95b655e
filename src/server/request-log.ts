/**
 * The line that each request leaves in the log, put together by hand: there is one for every
 * request, and to write it the usual way costs as much as a check.
 */
import type { Clock } from '../base/clock.ts';
import type { LogSink } from './log.ts';

export interface RequestLine {
  readonly method: string;
  readonly status: string;
  /** Why the caller was refused; undefined where it was not. */
  readonly reason: string | undefined;
  readonly durationMs: number;
  readonly requestId: string;
  readonly store: string | undefined;
}

/** ENSURES: a line like those of the logger, of the level `info`. */
export function requestLog(
  sink: LogSink,
  clock: Clock,
  worker?: number,
): (line: RequestLine) => void {
  const who = worker === undefined ? '' : `,"worker":${worker}`;
  // Lines of the same millisecond share its text.
  let ms = Number.NaN;
  let time = '';
  return ({ method, status, reason, durationMs, requestId, store }) => {
    const now = clock.now();
    if (now !== ms) {
      ms = now;
      time = new Date(now).toISOString();
    }
    const why = reason === undefined ? '' : `,"reason":${quoted(reason)}`;
    const where = store === undefined ? '' : `,"store":${quoted(store)}`;
    sink.write(
      `{"level":"info","time":"${time}"${who},"method":${quoted(method)},"status":${quoted(status)}${why},"durationMs":${durationMs},"requestId":${quoted(requestId)}${where},"msg":"request"}\n`,
    );
  };
}

const plain = /^[\w.:/+=@-]*$/;

function quoted(text: string): string {
  return plain.test(text) ? `"${text}"` : JSON.stringify(text);
}
