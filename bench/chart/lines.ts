/** Lines: how costs grow, one small chart a curve, both scales logarithmic, labels at the lines' ends. */
import type { Curve } from '../results.ts';
import { logScale, type Scale, tickText } from './scale.ts';
import { element, picture, seriesCount, text } from './svg.ts';

const [columns, cellWidth, cellHeight, top] = [2, 430, 260, 52];
const [left, right, above, below] = [52, 112, 38, 40];
/** Labels closer than this would cover each other. */
const labelHeight = 14;

/** REQUIRES: a curve at least, all values above 0. */
export function lineCharts(title: string, curves: readonly Curve[]): string {
  const rows = Math.ceil(curves.length / columns);
  const size = { width: columns * cellWidth, height: top + rows * cellHeight };
  const cells = curves.map((curve, i) => {
    const [x, y] = [(i % columns) * cellWidth, top + Math.floor(i / columns) * cellHeight];
    return element('g', { transform: `translate(${x} ${y})` }, chart(curve).join('\n'));
  });
  const description = curves.map(({ title, x, y }) => `${title}: ${y} by ${x}`).join('; ');
  const note = 'both scales logarithmic: a straight line is a power of what is below it';
  return picture(size, { title, description }, [
    text(title, { x: 16, y: 24, class: 'ink title' }),
    text(note, { x: 16, y: 42, class: 'pale' }),
    ...cells,
  ]);
}

function chart({ title, x: xName, y: yName, lines }: Curve): string[] {
  const points = lines.flatMap((line) => line.points);
  const x = logScale(
    points.map(([value]) => value),
    [left, cellWidth - right],
  );
  const y = logScale(
    points.map(([, value]) => value),
    [cellHeight - below, above],
  );
  return [
    text(`${title}, ${yName}`, { x: 16, y: 20, class: 'ink', 'font-weight': 600 }),
    ...axes(x, y, xName),
    ...lines.flatMap((line, i) => drawn(line.points, x, y, i % seriesCount)),
    ...labels(lines, x, y),
  ];
}

function axes(x: Scale, y: Scale, xName: string): string[] {
  const [first, last] = [left, cellWidth - right];
  const across = y.ticks.flatMap((tick) => [
    element('line', { x1: first, y1: y.at(tick), x2: last, y2: y.at(tick), class: 'rule' }),
    text(tickText(tick), { x: first - 6, y: y.at(tick) + 4, class: 'pale', 'text-anchor': 'end' }),
  ]);
  const under = x.ticks.map((tick) =>
    text(tickText(tick), {
      ...{ x: x.at(tick), y: cellHeight - below + 16, class: 'pale', 'text-anchor': 'middle' },
    }),
  );
  const name = text(xName, {
    ...{ x: (first + last) / 2, y: cellHeight - 8, class: 'pale', 'text-anchor': 'middle' },
  });
  return [...across, ...under, name];
}

function drawn(
  points: Curve['lines'][number]['points'],
  x: Scale,
  y: Scale,
  series: number,
): string[] {
  const path = points.map(([at, value]) => `${x.at(at).toFixed(1)},${y.at(value).toFixed(1)}`);
  const dots = points.map(([at, value]) =>
    element('circle', { cx: x.at(at), cy: y.at(value), r: 2.5, class: `f${series}` }),
  );
  return [element('polyline', { points: path.join(' '), class: `line s${series}` }), ...dots];
}

/** At the right end of each line, moved apart where they would cover each other. */
function labels(lines: Curve['lines'], x: Scale, y: Scale): string[] {
  const wanted = lines
    .flatMap(({ name, points }, i) => {
      const last = points.at(-1);
      return last === undefined ? [] : [{ name, i, x: x.at(last[0]), y: y.at(last[1]) }];
    })
    .toSorted((a, b) => a.y - b.y);
  let free = Number.NEGATIVE_INFINITY;
  return wanted.map((label) => {
    const at = Math.max(label.y, free);
    free = at + labelHeight;
    const place = { x: label.x + 8, y: at + 4, class: `f${label.i % seriesCount}` };
    return text(label.name, place);
  });
}
