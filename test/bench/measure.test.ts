// The bench's own sums: quantiles, open-loop accounting under a server that stalls, medians, CPU.
import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { type Ask, closedLoop } from '../../bench/measure/closed-loop.ts';
import { Latencies } from '../../bench/measure/latencies.ts';
import { openLoop, type Timeline } from '../../bench/measure/open-loop.ts';
import { busiest, cpuMicros, residentBytes } from '../../bench/measure/process.ts';
import { median, medianOf, sum } from '../../bench/measure/sample.ts';

/** A time that passes only where somebody waits; whoever is due first goes first. */
class VirtualTime implements Timeline {
  private instant = 0;
  private readonly waiting: { at: number; go: () => void }[] = [];

  now(): number {
    return this.instant;
  }

  async until(at: number): Promise<void> {
    await new Promise<void>((go) => {
      this.waiting.push({ at, go });
      setImmediate(() => this.next());
    });
  }

  private next(): void {
    this.waiting.sort((a, b) => a.at - b.at);
    const first = this.waiting.shift();
    if (first === undefined) return;
    this.instant = Math.max(this.instant, first.at);
    first.go();
  }
}

/** One worker that takes so long for each request, in turn, and rests from one instant to another. */
function server(time: VirtualTime, takesMs: number, rest: { from: number; to: number }): Ask {
  let free = 0;
  return () => {
    const begin = Math.max(time.now(), free);
    free = (begin >= rest.from && begin < rest.to ? rest.to : begin) + takesMs;
    return time.until(free).then(() => undefined);
  };
}

const never = { from: Number.POSITIVE_INFINITY, to: 0 };

describe('open loop', () => {
  test('an idle server answers each request in the time that it takes', async () => {
    const time = new VirtualTime();
    const found = await openLoop({
      ...{ asks: [server(time, 2, never)], rate: 100, ms: 1_000, time },
    });
    expect(found).toMatchObject({ p50: 2, p999: 2, max: 2, rate: 100, overloaded: false });
    expect(found.reached).toBeCloseTo(100, -1);
  });

  test('a stall is charged to all who would have asked in it', async () => {
    const time = new VirtualTime();
    const stall = { from: 500, to: 700 };
    const asks = [server(time, 1, stall)];
    const found = await openLoop({ asks, rate: 100, ms: 1_000, time });
    // Twenty of a hundred were to begin within the 200 ms; the first of them waited all of it.
    expect(found.max).toBeCloseTo(201, -1);
    expect(found.p95).toBeGreaterThan(140);
    expect(found.p50).toBe(1);
  });

  test('a server that is too slow is charged with its queue, and reaches what it can', async () => {
    const time = new VirtualTime();
    const found = await openLoop({
      ...{ asks: [server(time, 20, never)], rate: 100, ms: 1_000, time },
    });
    expect(found.reached).toBeCloseTo(50, -1);
    // The last was due at 990 ms and is answered at 2,000.
    expect(found.max).toBeCloseTo(1_010, -1);
    expect(found.p50).toBeCloseTo(510, -2);
  });

  test('it is given up where too many are open', async () => {
    const time = new VirtualTime();
    const asks = [server(time, 1_000, never)];
    const found = await openLoop({ asks, rate: 1_000, ms: 1_000, time, openMax: 50 });
    expect(found.overloaded).toBe(true);
    expect(found.max).toBeGreaterThan(50_000);
  });

  test('a wrong answer is a failure', async () => {
    const time = new VirtualTime();
    const asks: Ask[] = [() => time.until(time.now() + 1).then(() => Promise.reject('wrong'))];
    await expect(openLoop({ asks, rate: 10, ms: 100, time })).rejects.toBe('wrong');
  });
});

test('quantiles', () => {
  const latencies = new Latencies();
  for (let ms = 1; ms <= 1_000; ms++) latencies.record(ms);
  const found = latencies.quantiles();
  expect(latencies.count).toBe(1_000);
  for (const [name, value] of Object.entries({
    p50: 500,
    p95: 950,
    p99: 990,
    p999: 999,
    max: 1_000,
  })) {
    const got = found[name as keyof typeof found];
    expect(Math.abs(got - value) / value, name).toBeLessThan(0.002);
  }
});

test('a closed loop asks everything in turn, goes on where it was, and counts a batch as its items', async () => {
  const asked: number[] = [];
  const asks: Ask[] = [0, 1, 2].map((i) => () => {
    asked.push(i);
    return undefined;
  });
  const job = { asks, answersEach: 50 };
  const first = await closedLoop(job, { ms: 1, clients: 2 });
  expect(first.count).toBe(asked.length * 50);
  await closedLoop(job, { ms: 1, clients: 1 });
  expect(asked).toEqual(asked.map((_, i) => i % 3));
});

test('a closed loop has as many requests open as it has clients', async () => {
  let open = 0;
  let most = 0;
  const ask: Ask = async () => {
    most = Math.max(most, ++open);
    await new Promise(setImmediate);
    open--;
    return undefined;
  };
  await closedLoop({ asks: [ask], answersEach: 1 }, { ms: 5, clients: 7 });
  expect(most).toBe(7);
});

test('medians and sums', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([])).toBeNaN();
  const samples = [1, 2, 9].map((micros) => ({ count: 10, cpuMicros: micros * 10, wallMs: 100 }));
  expect(medianOf(samples)).toEqual({ micros: 2, perSecond: 100 });
  expect(sum(samples)).toEqual({ count: 30, cpuMicros: 120, wallMs: 300 });
});

test.runIf(process.platform === 'linux')('CPU and memory of a process are found', () => {
  const before = cpuMicros(process.pid);
  const own = process.cpuUsage();
  let x = 0;
  for (let i = 0; i < 50_000_000; i++) x += i % 7;
  expect(x).toBeGreaterThan(0);
  const spent = process.cpuUsage(own);
  const found = cpuMicros(process.pid) - before;
  // Threads of the runtime come and go, and this file's own work is not all that the process does.
  expect(found / (spent.user + spent.system)).toBeGreaterThan(0.5);
  expect(found / (spent.user + spent.system)).toBeLessThan(2);
  expect(residentBytes(process.pid)).toBeGreaterThan(10_000_000);
  const ended = Number(execFileSync(process.execPath, ['-p', 'process.pid']));
  expect(cpuMicros(ended)).toBeNaN();
});

test('the busiest thread', () => {
  const [before, after] = [
    new Map([['1', 5]]),
    new Map([
      ['1', 7],
      ['2', 4],
    ]),
  ];
  expect(busiest(before, after)).toBe(4);
});
