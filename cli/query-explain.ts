/** Prints an explanation as a tree that reads without knowing how the server works. */
import { paint, print } from './output.ts';
import type { PembaTuple, WireExplanation, WireReason, WireTruth, WireUsedTuple } from './wire.ts';

interface Line {
  /** Undefined for a heading, which is neither true nor false. */
  readonly value: WireTruth | undefined;
  readonly text: string;
  /** The text of a line that says only how those below it count. */
  readonly choice?: string;
  readonly below: readonly Line[];
}

/** On a terminal with signs, elsewhere in words that every program can read. */
export function printExplanation(explanation: WireExplanation): void {
  const { outcome, missing_parameters: missing, tree, truncated } = explanation;
  switch (outcome) {
    case 'OUTCOME_ALLOWED':
      print(paint('green', 'allowed'));
      break;
    case 'OUTCOME_DENIED':
      print(paint('red', 'denied'));
      break;
    case 'OUTCOME_CONDITIONAL':
      print(paint('yellow', `it depends on ${missing.join(', ')}: give values with --context`));
      break;
  }
  const signs = process.stdout.isTTY === true;
  for (const text of signs ? signedLines(lineOfQuestion(tree)) : plainLines(lineOfQuestion(tree))) {
    print(text);
  }
  if (truncated) print('(parts of the tree are left out for its size)');
  printSuggestions(explanation);
}

function printSuggestions({ outcome, would_allow: sets }: WireExplanation): void {
  if (outcome !== 'OUTCOME_DENIED' || sets.length === 0) return;
  print(sets.length === 1 ? 'allowed if you add' : 'allowed if you add one of');
  for (const { tuples } of sets) print(`  ${tuples.map(textOfTuple).join(' and ')}`);
}

function lineOfQuestion(node: WireReason): Line {
  const { object, relation, value, end } = node;
  const text = `${object}#${relation}${endText[end]}`;
  if (end !== 'END_UNSPECIFIED' && end !== 'END_TRUNCATED') return { value, text, below: [] };
  if (node.operator === 'OPERATOR_EXCLUSION') return { value, text, below: exclusionLines(node) };
  const below = linesOf(node);
  const [only] = below;
  if (below.length !== 1 || only?.choice === undefined) return { value, text, below };
  // The heading of a choice is said with the question itself.
  return { value, text: `${text}, ${only.choice}`, below: only.below };
}

function linesOf(node: WireReason): readonly Line[] {
  const { children, value, tuples, end } = node;
  const cut: readonly Line[] =
    end === 'END_TRUNCATED' ? [{ value: undefined, text: '…', below: [] }] : [];
  switch (node.operator) {
    case 'OPERATOR_DIRECT':
    case 'OPERATOR_FROM': {
      const lines = [
        ...tuples.map((used) => ({ value: used.value, text: textOfUsed(used), below: [] })),
        ...children.flatMap(linesOf),
      ];
      if (lines.length + cut.length > 0) return [...lines, ...cut];
      return [{ value, text: nothingText(node), below: [] }];
    }
    case 'OPERATOR_USERSET':
      return tuples.map((used) => ({
        value,
        text: `through ${textOfUsed(used)}`,
        below: [...children.map(lineOfQuestion), ...cut],
      }));
    case 'OPERATOR_COMPUTED':
      return [...children.map(lineOfQuestion), ...cut];
    case 'OPERATOR_UNION':
      return children.length < 2
        ? children.flatMap(linesOf)
        : [choiceLine(value, 'any of', children.flatMap(linesOf))];
    case 'OPERATOR_INTERSECTION':
      return [choiceLine(value, 'all of', children.map(lineOfPart))];
    case 'OPERATOR_EXCLUSION':
      return children.length < 2
        ? exclusionLines(node)
        : [{ value, text: 'the first but not the second', below: exclusionLines(node) }];
  }
}

function exclusionLines({ children: [base, subtract] }: WireReason): readonly Line[] {
  const first = base === undefined ? [] : [lineOfPart(base)];
  if (subtract === undefined) return first;
  return [...first, { value: undefined, text: 'but not', below: linesOf(subtract) }];
}

/** Several tuples or questions side by side are a choice. */
function lineOfPart(node: WireReason): Line {
  const lines = linesOf(node);
  const [only] = lines;
  return only !== undefined && lines.length === 1 ? only : choiceLine(node.value, 'any of', lines);
}

function choiceLine(value: WireTruth, choice: string, below: readonly Line[]): Line {
  return { value, text: choice, choice, below };
}

function nothingText({ object, relation, tupleset, operator }: WireReason): string {
  return operator === 'OPERATOR_FROM'
    ? `no tuple gives ${object} a ${tupleset}`
    : `no tuple makes the subject ${relation} of ${object}`;
}

const endText: Readonly<Record<WireReason['end'], string>> = {
  END_UNSPECIFIED: '',
  END_CYCLE: ' (a cycle: asked above)',
  END_REPEATED: ' (explained elsewhere in this tree)',
  END_TRUNCATED: ' (not shown whole)',
  END_IMPOSSIBLE: ' (the model gives it to no subject of this kind)',
  END_SUBJECT: ' (the subject itself)',
};

function textOfUsed(used: WireUsedTuple): string {
  const { tuple, contextual, parameters, missing_parameters: missing, error, value } = used;
  const parts = [`tuple ${textOfTuple(tuple)}`];
  if (contextual) parts.push('(contextual)');
  if (tuple.condition !== undefined && tuple.condition !== null) {
    parts.push(JSON.stringify(parameters ?? {}));
    if (missing.length > 0) parts.push(`lacks ${missing.join(', ')}`);
    else if (error !== '') parts.push(error);
    else parts.push(value === 'VALUE_TRUE' ? 'is met' : 'is not met');
  }
  return parts.join(' ');
}

function textOfTuple({ subject, relation, object, condition, expires_at }: PembaTuple): string {
  const end = expires_at === undefined || expires_at === null ? '' : ` (expires ${expires_at})`;
  const key = `${subject} ${relation} ${object}${end}`;
  return condition === undefined || condition === null ? key : `${key} with ${condition.name}`;
}

const signs = {
  VALUE_TRUE: ['green', '✓'],
  VALUE_FALSE: ['red', '✗'],
  VALUE_UNDEFINED: ['yellow', '? (open: it would hold only if it did not)'],
  VALUE_UNKNOWN: ['yellow', '?'],
} as const;

const words: Readonly<Record<WireTruth, string>> = {
  VALUE_TRUE: '[yes] ',
  VALUE_FALSE: '[no] ',
  VALUE_UNDEFINED: '[open: it would hold only if it did not] ',
  VALUE_UNKNOWN: '[unknown] ',
};

function* signedLines({ value, text, below }: Line, first = '', next = ''): Generator<string> {
  const [style, sign] = value === undefined ? (['bold', ''] as const) : signs[value];
  yield `${first}${sign === '' ? '' : `${paint(style, sign)} `}${text}`;
  for (const [index, line] of below.entries()) {
    const last = index === below.length - 1;
    yield* signedLines(line, `${next}${last ? '└─ ' : '├─ '}`, `${next}${last ? '   ' : '│  '}`);
  }
}

function* plainLines({ value, text, below }: Line, indent = ''): Generator<string> {
  yield `${indent}${value === undefined ? '' : words[value]}${text}`;
  for (const line of below) yield* plainLines(line, `${indent}  `);
}
