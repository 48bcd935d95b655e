// What the bench is told and what it tells: options, targets, tables, judging of answers.
import { describe, expect, test } from 'vitest';
import {
  type Caller,
  judgeBatch,
  judgeCheck,
  listJudge,
  WrongAnswer,
} from '../../bench/callers/caller.ts';
import { jobNames, jobOf, listsWithin } from '../../bench/callers/jobs.ts';
import { parsePeer } from '../../bench/contenders/peer.ts';
import { readOptions } from '../../bench/options.ts';
import { markdownOf, textOf } from '../../bench/report.ts';
import { aboutThis, emptyResults } from '../../bench/results.ts';
import { worldsOf } from '../../bench/run.ts';
import { bySize } from '../../bench/sections/growth.ts';
import { interleave } from '../../bench/sections/interleave.ts';
import { target, targetsOf } from '../../bench/targets.ts';
import { workloadOf } from '../../bench/workloads/all.ts';
import { limits } from '../../src/base/limits.ts';

function options(...argv: string[]) {
  const read = readOptions(argv);
  if (read === 'help') throw new Error('help');
  return read;
}

describe('options', () => {
  test('a part is never called the whole', () => {
    expect(options().name).toBe('full');
    expect(options('--quick').name).toBe('quick');
    expect(options('--quick', '--peer', 'none', '--seed', '7').name).toBe('quick');
    expect(options('--size', '1M').name).toBe('part');
    expect(options('--kind', 'check').name).toBe('part');
  });

  test('sizes', () => {
    expect(options('--size', '10k,2.5M,300').sizes).toEqual([10_000, 2_500_000, 300]);
    for (const size of ['10K', '', '1.2345k', '-5', '100', 'k']) {
      expect(() => options('--size', size), size).toThrow('--size');
    }
  });

  test.each([
    ['--workload', 'drives'],
    ['--kind', 'checks'],
    ['--path', 'tcp'],
    ['--peer', 'openfga'],
    ['--peer', 'zanzibar=h:1'],
    ['--serve', 'workers'],
    ['--seconds', '0'],
  ])('%s %s is refused by name', (option, value) => {
    expect(() => options(option, value)).toThrow(value === '0' ? option : value);
  });

  test('peers', () => {
    expect(options('--peer', 'none').peers).toEqual([]);
    expect(parsePeer('spicedb')).toEqual({ kind: 'embedded' });
    const address = '127.0.0.1:8081';
    expect(parsePeer(`openfga=${address}`)).toEqual({ kind: 'openfga', address, pid: undefined });
    expect(parsePeer(`spicedb=${address}@42`)).toEqual({ kind: 'spicedb', address, pid: 42 });
  });

  test('the first workload has all sizes, the others one, the largest comes last', () => {
    const worlds = worldsOf(
      options('--workload', 'drive,bans', '--size', '1M,20k,10k,100k', '--others', '100k'),
    );
    expect(worlds.map(({ workload, size }) => [workload, size])).toEqual([
      ['drive', 10_000],
      ['drive', 20_000],
      ['drive', 100_000],
      ['bans', 100_000],
      ['drive', 1_000_000],
    ]);
  });
});

describe('judging', () => {
  const question = { object: 'document:1', relation: 'viewer', subject: 'user:a', allowed: true };

  test('checks and batches', () => {
    expect(() => judgeCheck(question, false)).toThrow('answered false');
    expect(() => judgeBatch([question, question], (i) => (i === 0 ? true : undefined))).toThrow(
      'not answered',
    );
    expect(() => judgeBatch([question, question], (i) => i === 0)).toThrow('answered false');
    expect(() => judgeBatch([question], () => true)).not.toThrow();
  });

  test('a list of the right length with a wrong name is found', () => {
    const judge = listJudge({ relation: 'viewer' }, ['a', 'b']);
    expect(() => judge(['b', 'c'])).toThrow('2 results');
    expect(() => judge(['b', 'a'])).not.toThrow();
    expect(() => judge(['a', 'b', 'b'])).toThrow('3 results, 2 are right');
  });

  test('a wrong answer ends the run, a refusal leaves one out', async () => {
    const contender = (name: string, fault?: Error) => ({
      ...{ name, path: 'grpc' as const, can: () => true, stop: async () => undefined },
      async closed() {
        if (fault !== undefined) throw fault;
        return { count: 4, cpuMicros: 8, wallMs: 2 };
      },
    });
    const turns = { ms: 1, rounds: 3 };
    const refusing = contender('other', new Error('too deep'));
    const { measured, refused } = await interleave([contender('Pemba'), refusing], 'check', turns);
    expect(measured).toMatchObject([{ micros: 2, perSecond: 2_000 }]);
    expect(refused).toEqual([{ contender: refusing, why: 'too deep' }]);
    const wrong = new WrongAnswer('answered false');
    await expect(interleave([contender('other', wrong)], 'check', turns)).rejects.toThrow(
      'other (grpc, check): ',
    );
  });
});

describe('jobs', () => {
  const world = workloadOf('drive').at(2_000, 1);
  const seen: string[] = [];
  const caller: Caller = {
    prepare: (operation) => () => {
      seen.push(operation.kind);
      if (operation.kind === 'write') seen.push(operation.tuple().object);
      return undefined;
    },
    close: () => undefined,
  };

  test('a batch has as many checks as the wire allows, and counts as that many', () => {
    const job = jobOf(world, 'batch', caller);
    expect(job.asks).toHaveLength(40);
    expect(job.answersEach).toBe(limits.batchChecksMax);
  });

  test('one in twenty of a mixed load is a write, each of another tuple', () => {
    seen.length = 0;
    for (const ask of jobOf(world, 'mixed', caller).asks) void ask();
    const written = seen.filter((each) => each.startsWith('document:'));
    expect(written.length / seen.filter((each) => each === 'check').length).toBeCloseTo(1 / 19, 3);
    expect(new Set(written).size).toBe(written.length);
  });

  test('every class has its job, and lists that would be cut have none', () => {
    expect(jobNames(world)).toContain('check:folder 5');
    const long = { objects: Array.from({ length: limits.listResultsMax + 1 }, String) };
    expect(listsWithin([long, { objects: ['a'] }], limits.listResultsMax)).toEqual([
      { objects: ['a'] },
    ]);
  });
});

test('a target is reached from a ratio of 1 on, whichever way is better', () => {
  expect(target('x', 'more', [100, 150], ['', '']).ratio).toBe(1.5);
  expect(target('x', 'less', [100, 150], ['', '']).ratio).toBeCloseTo(0.667, 3);
  expect(target('x', 'less', [100, undefined], ['', '']).ratio).toBeUndefined();
  expect(target('x', 'more', [100, Number.NaN], ['', '']).reached).toBeUndefined();
});

test('targets read the rows that they speak of', () => {
  const results = emptyResults(aboutThis('test', 1));
  const row = { workload: 'drive', server: 'Pemba', perSecond: 1 } as const;
  results.answers.push(
    { ...row, size: 10_000, job: 'check:direct', path: 'engine', micros: 9 },
    { ...row, size: 1_000_000, job: 'check:direct', path: 'engine', micros: 0.5 },
    { ...row, size: 10_000_000, job: 'check:direct', path: 'engine', micros: 1 },
    { ...row, size: 1_000_000, job: 'check', path: 'grpc', micros: 50, floorMicros: 40 },
    { ...row, size: 10_000, job: 'check', path: 'grpc', micros: 40, floorMicros: 40 },
    {
      ...row,
      ...{ server: 'SpiceDB', size: 10_000, job: 'check', path: 'embedded' },
      ...{ micros: 1_000, floorMicros: 200 },
    },
  );
  const found = new Map(targetsOf(results).map((each) => [each.what, each]));
  expect(found.get('in process, engine: direct')).toMatchObject({ reached: 2_000_000, ratio: 2 });
  expect(found.get('10M tuples over 1M, engine: direct')?.reached).toBeCloseTo(0.5);
  expect(found.get('check over gRPC, over the empty handler')).toMatchObject({
    reached: 1.25,
    ratio: 1,
  });
  expect(found.get('SpiceDB check over check by gRPC')).toMatchObject({ reached: 20, ratio: 2.5 });
  expect(found.get('two workers over one')?.reached).toBeUndefined();
  expect(bySize(results)[0]?.lines[0]?.points).toEqual([
    [10_000, 9],
    [1_000_000, 0.5],
    [10_000_000, 1],
  ]);
});

test('tables', () => {
  const table = {
    title: 'T',
    header: ['', 'µs'],
    rows: [
      ['a | b', 1234.5],
      ['c', undefined],
    ],
  };
  expect(textOf(table)).toBe('T\n          µs\na | b  1,235\nc          -');
  expect(markdownOf(table)).toBe('**T**\n\n|  | µs |\n|---|--:|\n| a · b | 1,235 |\n| c | - |');
});
