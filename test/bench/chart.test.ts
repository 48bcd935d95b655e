// The charts: well-formed, with what they are of in words, everything inside the picture.
import { expect, test } from 'vitest';
import { barChart } from '../../bench/chart/bars.ts';
import { lineCharts } from '../../bench/chart/lines.ts';
import { logScale, tickText } from '../../bench/chart/scale.ts';
import { element, text } from '../../bench/chart/svg.ts';

/** Throws unless tags are closed in order and nothing stands unescaped. Returns what is written. */
function readSvg(svg: string): { elements: string[]; texts: string[] } {
  const open: string[] = [];
  const elements: string[] = [];
  const texts: string[] = [];
  const token = /<(\/?)([a-z]+)((?: [a-zA-Z:0-9-]+="[^"<>]*")*)(\/?)>|([^<>]+)/y;
  for (let at = 0; at < svg.length; at = token.lastIndex) {
    token.lastIndex = at;
    const found = token.exec(svg);
    if (found === null) throw new Error(`not well-formed at: ${svg.slice(at, at + 60)}`);
    const [, closing, name = '', attributes = '', empty, content = ''] = found;
    if (/&(?!amp;|lt;|gt;|quot;)/.test(attributes + content)) throw new Error('a bare &');
    if (content !== '') texts.push(content);
    else if (closing === '/') expect(open.pop()).toBe(name);
    else {
      elements.push(name + attributes);
      if (empty !== '/') open.push(name);
    }
  }
  expect(open).toEqual([]);
  return { elements, texts };
}

function numbers(elements: readonly string[], attribute: string): number[] {
  return elements
    .map((each) => new RegExp(` ${attribute}="([^"]+)"`).exec(each)?.[1])
    .filter((value) => value !== undefined)
    .map(Number);
}

test('bars', () => {
  const bars = [
    { label: 'Pemba <& "friends">', value: 0.8, series: 0 },
    { label: 'SpiceDB', value: 4_321, floor: 255, series: 1 },
  ];
  const svg = barChart('Cost', 'CPU µs', [{ title: 'Check', bars }]);
  const { elements, texts } = readSvg(svg);
  expect(texts).toContain('Pemba &lt;&amp; &quot;friends&quot;&gt;');
  expect(texts).toContain('4,321');
  expect(texts.join(' ')).toContain('prefers-color-scheme:dark');
  const [width = 0] = numbers(elements, 'width');
  expect(Math.max(...numbers(elements, 'x'))).toBeLessThan(width);
  // The dearer bar is the longer one, and the floor's mark stands within it.
  const [short = 0, , long = 0] = elements
    .filter((each) => each.startsWith('rect') && /class="(f\d|ink)"/.test(each))
    .toSorted(
      (a, b) => Number(/width="([^"]+)/.exec(a)?.[1]) - Number(/width="([^"]+)/.exec(b)?.[1]),
    )
    .flatMap((each) => numbers([each], 'width'));
  expect(long).toBeGreaterThan(short);
});

test('lines', () => {
  const lines = [
    {
      name: 'direct',
      points: [
        [10_000, 0.6],
        [1_000_000, 0.9],
      ] as const,
    },
    {
      name: 'negative',
      points: [
        [10_000, 0.61],
        [1_000_000, 0.91],
      ] as const,
    },
  ];
  const curve = { title: 'Check', x: 'tuples', y: 'µs', lines };
  const { elements, texts } = readSvg(lineCharts('Growth', [curve, curve, curve]));
  expect(elements.filter((each) => each.startsWith('polyline'))).toHaveLength(6);
  expect(texts).toContain('1M');
  // Labels of lines that end side by side do not cover each other.
  const labels = elements.filter((each) => each.startsWith('text') && /class="f\d"/.test(each));
  const [first = 0, second = 0] = numbers(labels, 'y');
  expect(Math.abs(first - second)).toBeGreaterThanOrEqual(14);
});

test('a logarithmic scale', () => {
  const scale = logScale([0.3, 42], [0, 300]);
  expect(scale.ticks).toEqual([0.1, 1, 10, 100]);
  expect(scale.at(0.1)).toBeCloseTo(0);
  expect(scale.at(1)).toBeCloseTo(100);
  expect(scale.at(100)).toBeCloseTo(300);
  expect(logScale([10], [0, 100]).ticks).toEqual([10, 100]);
  expect([0.1, 1, 10_000, 10_000_000].map(tickText)).toEqual(['0.1', '1', '10k', '10M']);
});

test('no picture has a place for what is no number', () => {
  expect(() => element('rect', { x: Number.NaN })).toThrow('NaN');
  expect(text('a<b', {})).toBe('<text>a&lt;b</text>');
});
