/**
 * What a run has asked: for every pair of operators that stand next to each other in a model, every
 * kind of subject and every API, the number of decisions; and the same by what lay behind them.
 */
import { apis, type Way, ways } from './apis.ts';
import { type PlainModel, type PlainRewrite, relationsOf } from './facts.ts';

const operators = ['this', 'computed', 'from', 'union', 'intersection', 'exclusion'] as const;
type Operator = (typeof operators)[number];

/**
 * Where an operator stands: alone in its relation; in a relation whose usersets tuples name, or that
 * a computed relation or an arrow leads to; or within another operator.
 */
const places = [
  'relation',
  'this',
  'computed',
  'from',
  'union',
  'intersection',
  'exclusion',
  'subtracted',
] as const;
type Place = (typeof places)[number];

const kinds = ['object', 'userset', 'wildcard'] as const;

/** What can be said of a question, its answer, or the moment when it is asked. */
const circumstances = [
  'stored tuples alone',
  'contextual tuples',
  'a condition is met',
  'a condition is not met',
  'a condition lacks context',
  'a tuple has expired',
  'a tuple expires later',
  'a cycle',
  'allowed',
  'denied',
  'an error',
  'cold',
  'warm',
  'among writers',
  'from storage',
  'from a graph that was built',
  'from a graph that has grown',
  'from a graph that folds',
  'while the graph comes and goes',
] as const;
export type Circumstance = (typeof circumstances)[number];

const pairCount = places.length * operators.length;
const firstCircumstance = kinds.length * pairCount;
const rowCount = firstCircumstance + circumstances.length;

/** Decisions by row and API. */
export type Cells = number[];

export function emptyCells(): Cells {
  return new Array<number>(rowCount * ways.length).fill(0);
}

export function addCells(into: Cells, from: Cells): void {
  for (const [index, count] of from.entries()) into[index] = (into[index] as number) + count;
}

/** Rows are numbers, for they are counted into for each decision. */
export function count(cells: Cells, way: Way, rows: readonly number[]): void {
  const column = ways.indexOf(way);
  for (const row of rows) {
    const cell = row * ways.length + column;
    cells[cell] = (cells[cell] as number) + 1;
  }
}

export function rowOf(circumstance: Circumstance): number {
  return firstCircumstance + circumstances.indexOf(circumstance);
}

/** The rows of a relation, for one kind of subject. */
export function pairRows(
  model: PlainModel,
  type: string,
  relation: string,
  subject: string,
): number[] {
  const kind = subject.includes('#') ? 'userset' : subject.endsWith(':*') ? 'wildcard' : 'object';
  const rewrite = relationsOf(model, type)[relation];
  const pairs =
    rewrite === undefined ? [] : pairsOf({ model, type, relation }, rewrite, 'relation');
  return [...new Set(pairs)].map((pair) => kinds.indexOf(kind) * pairCount + pair);
}

interface Around {
  readonly model: PlainModel;
  readonly type: string;
  readonly relation: string;
}

function pairOf(place: Place, operator: Operator): number {
  return places.indexOf(place) * operators.length + operators.indexOf(operator);
}

function operatorOf(rewrite: PlainRewrite): Operator {
  if ('this' in rewrite) return 'this';
  if ('computedUserset' in rewrite) return 'computed';
  if ('tupleToUserset' in rewrite) return 'from';
  if ('union' in rewrite) return 'union';
  return 'intersection' in rewrite ? 'intersection' : 'exclusion';
}

function pairsOf(around: Around, rewrite: PlainRewrite, place: Place): number[] {
  const { model, type } = around;
  const within = (child: PlainRewrite, of: Place) => pairsOf(around, child, of);
  const leadsTo = (of: Place, target: string, relation: string) => {
    const next = relationsOf(model, target)[relation];
    return next === undefined ? [] : [pairOf(of, operatorOf(next))];
  };
  const pair = pairOf(place, operatorOf(rewrite));
  if ('this' in rewrite) {
    const usersets = restrictionsOf(model, type, around.relation);
    return [pair, ...usersets.flatMap((of) => leadsTo('this', of.type, of.relation ?? ''))];
  }
  if ('computedUserset' in rewrite) {
    return [pair, ...leadsTo('computed', type, rewrite.computedUserset.relation)];
  }
  if ('tupleToUserset' in rewrite) {
    const { tupleset, computedUserset } = rewrite.tupleToUserset;
    const parents = restrictionsOf(model, type, tupleset.relation);
    const next = parents.flatMap((of) => leadsTo('from', of.type, computedUserset.relation));
    return [pair, ...next];
  }
  if ('union' in rewrite) {
    return [pair, ...rewrite.union.child.flatMap((child) => within(child, 'union'))];
  }
  if ('intersection' in rewrite) {
    const { child: children } = rewrite.intersection;
    return [pair, ...children.flatMap((child) => within(child, 'intersection'))];
  }
  const { base, subtract } = rewrite.difference;
  return [pair, ...within(base, 'exclusion'), ...within(subtract, 'subtracted')];
}

function restrictionsOf(model: PlainModel, type: string, relation: string) {
  const definition = model.type_definitions.find((each) => each.type === type);
  return definition?.metadata?.relations[relation]?.directly_related_user_types ?? [];
}

/** Cells that no run can fill, and why. */
export const impossible: readonly { row: Circumstance; way: Way; why: string }[] = [
  { row: 'an error', way: 'expand', why: 'Expand evaluates no condition' },
  { row: 'cold', way: 'walk', why: 'the engine alone keeps nothing between walks' },
  { row: 'among writers', way: 'walk', why: 'the engine alone has no writers beside it' },
];

/** The cells that should have something in them and have nothing. */
export function emptyCellsOf(cells: Cells): string[] {
  const excused = new Set(
    impossible.map(({ row, way }) => rowOf(row) * ways.length + ways.indexOf(way)),
  );
  return cells.flatMap((decisions, cell) => {
    if (decisions > 0 || excused.has(cell)) return [];
    const way = ways[cell % ways.length] as Way;
    return [`${apis[way].name}: ${rowName(Math.floor(cell / ways.length))}`];
  });
}

function rowName(row: number): string {
  if (row >= firstCircumstance) return circumstances[row - firstCircumstance] as string;
  return `${pairName(row % pairCount)}, about ${aboutKind(Math.floor(row / pairCount))}`;
}

function pairName(pair: number): string {
  const operator = operators[pair % operators.length] as string;
  return `${(places[Math.floor(pair / operators.length)] as string).padEnd(13)} × ${operator}`;
}

function aboutKind(kind: number): string {
  return `${kinds[kind]}s`;
}

/** Blocks of rows by kind of subject, then by circumstance; a column an API. */
export function describeCells(cells: Cells): string {
  const lines = ways.map((way) => apis[way].name.padStart(columnWidth)).join('');
  const block = (title: string, names: readonly string[], firstRow: number) => [
    '',
    title.padEnd(nameWidth) + lines,
    ...names.map((name, index) => {
      const start = (firstRow + index) * ways.length;
      const counts = cells.slice(start, start + ways.length);
      return `  ${name.padEnd(nameWidth - 2)}${counts.map(shown).join('')}`;
    }),
  ];
  const pairs = Array.from({ length: pairCount }, (_, pair) => pairName(pair));
  return [
    'Decisions, by the operator around × the operator within (`this`, `computed`, `from`: that of the',
    'relation led to; `exclusion`: its base) and by API',
    ...kinds.flatMap((_, kind) => block(`about ${aboutKind(kind)}`, pairs, kind * pairCount)),
    ...block('with, or answered, or asked', circumstances, firstCircumstance),
    '',
    'Impossible:',
    ...impossible.map(({ row, way, why }) => `  ${apis[way].name}: ${row} (${why})`),
  ].join('\n');
}

const nameWidth = 32;
const columnWidth = 15;

function shown(decisions: number): string {
  if (decisions < 100_000) return `${decisions}`.padStart(columnWidth);
  const thousands = decisions / 1_000;
  const text =
    thousands < 10_000 ? `${thousands.toFixed(0)}k` : `${(thousands / 1_000).toFixed(1)}M`;
  return text.padStart(columnWidth);
}
