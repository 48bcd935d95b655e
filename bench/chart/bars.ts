/** Bars: what an answer costs, by who gives it, on a logarithmic scale; a mark where the floor is. */
import { logScale, tickText } from './scale.ts';
import { element, picture, seriesCount, text } from './svg.ts';

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** What the least possible would be, where that is known. */
  readonly floor?: number;
  /** Bars of the same series have the same color. */
  readonly series: number;
}

export interface BarGroup {
  readonly title: string;
  readonly bars: readonly Bar[];
}

const [width, labelWidth, right] = [860, 250, 90];
const [barHeight, gap, groupGap, top, bottom] = [16, 5, 30, 64, 34];

/** REQUIRES: a bar at least, and values above 0. */
export function barChart(title: string, unit: string, groups: readonly BarGroup[]): string {
  const bars = groups.flatMap((group) => group.bars);
  const values = bars.flatMap(({ value, floor }) =>
    floor === undefined ? [value] : [value, floor],
  );
  const scale = logScale(values, [labelWidth, width - right]);
  const content: string[] = [];
  let y = top;
  for (const group of groups) {
    content.push(text(group.title, { x: 16, y: y + 2, class: 'ink', 'font-weight': 600 }));
    y += 12;
    for (const bar of group.bars) {
      content.push(...drawn(bar, y, (value) => scale.at(value)));
      y += barHeight + gap;
    }
    y += groupGap;
  }
  const height = y - groupGap + bottom;
  const rules = scale.ticks.flatMap((tick) => {
    const x = scale.at(tick);
    return [
      element('line', { x1: x, y1: top - 14, x2: x, y2: height - bottom + 4, class: 'rule' }),
      text(tickText(tick), { x, y: height - 12, class: 'pale', 'text-anchor': 'middle' }),
    ];
  });
  const subtitle = `${unit}, logarithmic; the upright mark is the least that is possible there`;
  const heading = [
    text(title, { x: 16, y: 24, class: 'ink title' }),
    text(subtitle, { x: 16, y: 42, class: 'pale' }),
  ];
  const description = bars.map(({ label, value }) => `${label}: ${valueText(value)}`).join('; ');
  return picture({ width, height }, { title: `${title} (${unit})`, description }, [
    ...heading,
    ...rules,
    ...content,
  ]);
}

function drawn({ label, value, floor, series }: Bar, y: number, at: (value: number) => number) {
  const middle = y + barHeight - 4;
  const end = Math.max(at(value), labelWidth + 2);
  const color = `f${series % seriesCount}`;
  const mark =
    floor === undefined
      ? []
      : [
          element('rect', {
            x: at(floor) - 1,
            y: y - 1,
            width: 3,
            height: barHeight + 2,
            class: 'ink',
          }),
        ];
  return [
    text(label, { x: labelWidth - 10, y: middle, class: 'ink', 'text-anchor': 'end' }),
    element('rect', { x: labelWidth, y, width: end - labelWidth, height: barHeight, class: color }),
    ...mark,
    text(valueText(value), { x: end + 6, y: middle, class: 'ink' }),
  ];
}

function valueText(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
