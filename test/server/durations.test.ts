// Durations that are counted in plain numbers are told as the library would tell its own.
import fc from 'fast-check';
import { Histogram, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { Durations } from '../../src/server/durations.ts';
import { type MetricsJson, merged } from '../../src/server/workers/merged-metrics.ts';

const buckets = [0.001, 0.01, 0.5];
const [name, help] = ['took_seconds', 'How long it took.'];

const observation = fc.record({
  method: fc.constantFrom('Check', 'Write', 'pemba.v1.QueryService/ListObjects'),
  code: fc.constantFrom('ok', 'type_not_found'),
  seconds: fc.oneof(fc.constantFrom(0, ...buckets, 0.010000001, 77), fc.double({ min: 0, max: 1 })),
});

test('a histogram has the same numbers', async () => {
  const property = fc.asyncProperty(fc.array(observation), async (observations) => {
    const registry = new Registry();
    const labelNames = ['method', 'code'];
    const registers = [registry];
    const histogram = new Histogram({ name, help, labelNames, buckets, registers });
    const durations = new Durations(name, help, buckets);
    for (const { method, code, seconds } of observations) {
      histogram.observe({ method, code }, seconds);
      durations.observe(method, code, seconds);
    }
    const theirs = JSON.parse(JSON.stringify(await registry.getMetricsAsJSON()));
    const ours = durations.json();
    expect(durations.count).toBe(observations.length);
    expect({ ...ours, values: [] }).toEqual({ ...theirs[0], values: [] });
    expect(ours.values.map(inOrder).sort()).toEqual(theirs[0].values.map(inOrder).sort());
    const lines = async (json: MetricsJson) =>
      (await merged(json, []).metrics())
        .trim()
        .replaceAll(/\{.*\}/g, sortedLabels)
        .split('\n');
    expect((await lines([ours])).sort()).toEqual((await lines(theirs)).sort());
  });
  await fc.assert(property, { seed: 1, numRuns: 200 });
});

function sortedLabels(labels: string): string {
  return labels.slice(1, -1).split(',').sort().join(',');
}

/** Of two labels either may come first. */
function inOrder({ metricName, labels, value }: Value): string {
  return JSON.stringify([metricName, Object.entries(labels).sort(), value]);
}

type Value = ReturnType<Durations['json']>['values'][number];
