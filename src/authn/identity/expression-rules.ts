/**
 * What an expression may use, and what it reads: found in its syntax tree before it ever runs.
 *
 * Claims are written by others, so the work of an expression must not grow faster than a token
 * does. Loops do not nest, and what is done in one does not go through another claim each time;
 * regular expressions are refused, for the library's are JavaScript's, which can take forever.
 */
import type { ASTNode } from '@marcbachmann/cel-js';

export interface ExpressionFault {
  readonly message: string;
  /** Where in the text, from 0. */
  readonly offset: number;
}

export interface Reading {
  /** Paths of claims, as `act.sub`; `*` where the claims are used as a whole. */
  readonly claims: ReadonlySet<string>;
  readonly faults: readonly ExpressionFault[];
}

const loops = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);

/** They go through the whole of what they are applied to. */
const thorough = new Set(['contains', 'indexOf', 'join', 'lastIndexOf', 'size', 'split']);

const allowed = new Set([
  ...loops,
  ...['has', 'size', 'type', 'int', 'double', 'string', 'bool', 'dyn'],
  ...['or', 'orValue', 'hasValue', 'value', 'of', 'none'],
  ...['contains', 'endsWith', 'startsWith', 'indexOf', 'lastIndexOf'],
  ...['join', 'split', 'substring'],
]);

const refused: Readonly<Record<string, string>> = {
  matches: 'regular expressions are not taken; use startsWith, endsWith, contains or split',
  lowerAscii: 'it changes letters that are not ASCII too, so two ids could become one',
  upperAscii: 'it changes letters that are not ASCII too, so two ids could become one',
};

/** The names that an expression is given; a loop's own variable may not hide them. */
const given = new Set(['claims', 'now', 'item']);

/** `looping`: it runs once for each entry of a claim, so it may hold no loop itself. */
export function readExpression(ast: ASTNode, looping: boolean): Reading {
  const claims = new Set<string>();
  const faults: ExpressionFault[] = [];
  const refuse = (node: ASTNode, message: string) => faults.push({ message, offset: node.start });

  const visit = (node: ASTNode, inLoop: boolean): void => {
    const path = pathOf(node);
    if (path !== undefined) {
      claims.add(path);
      if (node.op === '[]' || node.op === '[?]') visit(node.args[1], inLoop);
      return;
    }
    switch (node.op) {
      case 'call':
      case 'rcall':
        visitCall(node, inLoop);
        return;
      case 'in':
        if (inLoop && !isWrittenOut(node.args[1])) {
          refuse(node, '`in` within a loop takes a list that is written out: `x in ["a", "b"]`');
        }
        break;
    }
    for (const child of childrenOf(node)) visit(child, inLoop);
  };

  const visitCall = (node: CallNode, inLoop: boolean): void => {
    const [name] = node.args;
    const isLoop = node.op === 'rcall' && loops.has(name);
    if (!allowed.has(name)) {
      refuse(
        node,
        `\`${name}\` cannot be used here: ${refused[name] ?? 'there is no need for it'}`,
      );
    } else if (isLoop && inLoop) {
      refuse(node, `\`${name}\` would be a loop in a loop, whose work grows faster than the token`);
    }
    const operand = node.op === 'rcall' ? node.args[1] : node.args[1][0];
    if (inLoop && thorough.has(name) && operand !== undefined && readsClaims(operand)) {
      refuse(node, `\`${name}\` in a loop takes the loop's own variable, not a claim`);
    }
    if (node.op === 'rcall') visit(node.args[1], inLoop);
    const inner = node.op === 'rcall' ? node.args[2] : node.args[1];
    const [variable] = inner;
    if (isLoop && variable?.op === 'id' && given.has(variable.args)) {
      refuse(variable, `a loop's variable cannot be called \`${variable.args}\``);
    }
    for (const argument of isLoop ? inner.slice(1) : inner) visit(argument, inLoop || isLoop);
  };

  visit(ast, looping);
  return { claims, faults };
}

type CallNode = Extract<ASTNode, { op: 'call' | 'rcall' }>;

/**
 * Why an id must not be made this way: `a/b` + `c` and `a` + `b/c` meet in one text. Undefined if
 * at most one value goes into it that is not written out.
 */
export function joinFault(ast: ASTNode): ExpressionFault | undefined {
  const joined = valuesJoined(ast);
  if (joined < 2) return undefined;
  return {
    message:
      'two values joined in one text can meet others in the same id; name them apart, as ' +
      '`id: [claims.org_id, item]`',
    offset: ast.start,
  };
}

function valuesJoined(node: ASTNode): number {
  if (node.op === 'value') return 0;
  if (node.op === '+') return valuesJoined(node.args[0]) + valuesJoined(node.args[1]);
  if (node.op === '?:') return Math.max(valuesJoined(node.args[1]), valuesJoined(node.args[2]));
  return node.op === 'rcall' && node.args[0] === 'join' ? 2 : 1;
}

/** `claims.act.sub`, with or without `?`, or by a written key; undefined for anything else. */
function pathOf(node: ASTNode): string | undefined {
  if (node.op === 'id') return node.args === 'claims' ? '*' : undefined;
  const key = keyOf(node);
  if (key === undefined) return undefined;
  const path = pathOf(key.of);
  if (path === undefined) return undefined;
  // Beyond a key that is computed, or a list, the claim as a whole is read.
  if (key.name === undefined) return path;
  return path === '*' ? key.name : `${path}.${key.name}`;
}

function keyOf(node: ASTNode): { of: ASTNode; name: string | undefined } | undefined {
  if (node.op === '.' || node.op === '.?') return { of: node.args[0], name: node.args[1] };
  if (node.op !== '[]' && node.op !== '[?]') return undefined;
  const [of, key] = node.args;
  return { of, name: key.op === 'value' && typeof key.args === 'string' ? key.args : undefined };
}

function readsClaims(node: ASTNode): boolean {
  if (node.op === 'id') return node.args === 'claims';
  if (node.op === 'call') return node.args[1].some(readsClaims);
  if (node.op === 'rcall') return [node.args[1], ...node.args[2]].some(readsClaims);
  return childrenOf(node).some(readsClaims);
}

function isWrittenOut(node: ASTNode): boolean {
  return node.op === 'value' || (node.op === 'list' && node.args.every(isWrittenOut));
}

/** The parts of a node that is no call: nodes, lists of them, lists of pairs. */
function childrenOf(node: ASTNode): ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
    case 'call':
    case 'rcall':
      return [];
    case '.':
    case '.?':
      return [node.args[0]];
    case '!_':
    case '-_':
      return [node.args];
    case 'map':
      return node.args.flat();
    default:
      return [...node.args];
  }
}
