// The log: the lines of requests, put together by hand, are such as the logger would have written.
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { LineBlocks } from '../../src/server/line-blocks.ts';
import { createLog } from '../../src/server/log.ts';

function collect() {
  const written: string[] = [];
  return { written, write: (line: string) => void written.push(line) };
}

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 2, 3, 4, 5, 6) });
});
afterEach(() => {
  vi.useRealTimers();
});

const text = fc.oneof(
  fc.stringMatching(/^[\w.:/+=@-]{0,40}$/),
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('"', '\\', '\n', '\u0000', '\u2028', '\ud800', '</script>', '__proto__'),
);
const request = fc.record({
  method: text,
  status: text,
  reason: fc.option(text, { nil: undefined }),
  durationMs: fc.nat(9_999_999).map((n) => n / 1000),
  requestId: text,
  store: fc.option(text, { nil: undefined }),
});

test('a request leaves the line that the logger would have written', () => {
  const { written, write } = collect();
  const log = createLog({ logLevel: 'info', logFormat: 'json' }, systemClock, { sink: { write } });
  const property = fc.property(request, fc.nat(3), (fields, ms) => {
    vi.advanceTimersByTime(ms);
    written.length = 0;
    log.request?.(fields);
    log.logger.info(fields, 'request');
    const [byHand = '', expected = ''] = written;
    expect(byHand.endsWith('}\n') && byHand.indexOf('\n') === byHand.length - 1).toBe(true);
    expect(JSON.parse(byHand)).toEqual(JSON.parse(expected));
    expect(Object.keys(JSON.parse(byHand))).toEqual(Object.keys(JSON.parse(expected)));
  });
  fc.assert(property, { seed: 1, numRuns: 2_000 });
});

test.each(['warn', 'error', 'off'] as const)('at `%s` there are no lines of requests', (level) => {
  const { write } = collect();
  const log = createLog({ logLevel: level, logFormat: 'json' }, systemClock, { sink: { write } });
  expect(log.request).toBe(undefined);
});

test('as text, a request is one short line', () => {
  const { written, write } = collect();
  const log = createLog({ logLevel: 'info', logFormat: 'text' }, systemClock, { sink: { write } });
  const line = { method: 'Check', status: 'ok', reason: undefined, durationMs: 0.25 };
  log.request?.({ ...line, requestId: 'r1', store: undefined });
  expect(written).toEqual([
    '03:04:05.006 info  request method=Check status=ok durationMs=0.25 requestId=r1\n',
  ]);
});

test('lines go out in blocks, whole and in order, and none waits for long', () => {
  const { written, write } = collect();
  const blocks = new LineBlocks({ write });
  const lines = Array.from({ length: 1_000 }, (_, i) => `line ${i} ${'x'.repeat(i % 80)}\n`);
  for (const line of lines) blocks.write(line);
  const before = written.length;
  expect(before).toBeGreaterThan(1);
  expect(before).toBeLessThan(10);
  vi.advanceTimersByTime(500);
  expect(written.join('')).toBe(lines.join(''));
  expect(written.every((block) => block.endsWith('\n'))).toBe(true);
  blocks.write('late\n');
  vi.advanceTimersByTime(500);
  blocks.write('at once\n');
  blocks.flush();
  blocks.flush();
  expect(written.slice(before + 1)).toEqual(['late\n', 'at once\n']);
});
