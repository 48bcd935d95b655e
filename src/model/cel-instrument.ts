/**
 * Makes an expression pay for what it does: the parts that cost something and are no function calls
 * are wrapped in calls that the meter sees.
 */
import { type Expression, isTimeType } from './cel-check.ts';
import { constantInFunction, listFunction, mapFunction, visitFunction } from './cel-meter.ts';

/**
 * The same expression with a call around all that costs something and is no call itself: names,
 * fields, indexes, and the lists and maps that are not constant.
 */
export function instrumented(node: Expression): Expression {
  const { exprKind } = node;
  switch (exprKind.case) {
    case 'identExpr':
      return around(visitFunction, node);
    case 'selectExpr':
      if (isTimeType(node)) return node;
      return around(visitFunction, {
        ...node,
        exprKind: {
          case: 'selectExpr',
          value: { ...exprKind.value, operand: inside(exprKind.value.operand) },
        },
      } as Expression);
    case 'callExpr':
      return instrumentedCall(node, exprKind.value);
    case 'listExpr': {
      if (isConstant(node)) return node;
      const elements = exprKind.value.elements.map(instrumented);
      return around(listFunction, {
        ...node,
        exprKind: { case: 'listExpr', value: { ...exprKind.value, elements } },
      } as Expression);
    }
    case 'structExpr': {
      if (isConstant(node)) return node;
      const entries = exprKind.value.entries.map((entry) => ({
        ...entry,
        keyKind: { case: 'mapKey', value: inside(entry.keyKind.value as Expression) },
        value: inside(entry.value),
      }));
      return around(mapFunction, {
        ...node,
        exprKind: { case: 'structExpr', value: { ...exprKind.value, entries } },
      } as Expression);
    }
    case 'comprehensionExpr': {
      const { accuInit, iterRange, loopCondition, loopStep, result } = exprKind.value;
      const value = {
        ...exprKind.value,
        accuInit: inside(accuInit),
        iterRange: inside(iterRange),
        loopCondition: inside(loopCondition),
        loopStep: inside(loopStep),
        result: inside(result),
      };
      return { ...node, exprKind: { case: 'comprehensionExpr', value } } as Expression;
    }
    default:
      return node;
  }
}

type Call = Extract<Expression['exprKind'], { case: 'callExpr' }>['value'];

function instrumentedCall(node: Expression, call: Call): Expression {
  const [, list] = call.args;
  const constant =
    call.function === '@in' && list?.exprKind.case === 'listExpr' && isConstant(list);
  const value = {
    ...call,
    function: constant ? constantInFunction : call.function,
    target: inside(call.target),
    args: call.args.map(instrumented),
  };
  const inner = { ...node, exprKind: { case: 'callExpr', value } } as Expression;
  const uncounted = call.function === '_[_]' || call.function === '@not_strictly_false';
  return uncounted ? around(visitFunction, inner) : inner;
}

function inside<Node extends Expression | undefined>(node: Node): Expression | Node {
  return node === undefined ? node : instrumented(node);
}

/** Constants are folded when an expression is compiled, and cost nothing when it is run. */
function isConstant(node: Expression): boolean {
  const { exprKind } = node;
  if (exprKind.case === 'constExpr') return true;
  if (exprKind.case === 'listExpr') return exprKind.value.elements.every(isConstant);
  return (
    exprKind.case === 'structExpr' &&
    exprKind.value.entries.every(
      (entry) =>
        isConstant(entry.keyKind.value as Expression) && isConstant(entry.value as Expression),
    )
  );
}

function around(name: string, node: Expression): Expression {
  return {
    $typeName: 'cel.expr.Expr',
    id: node.id,
    exprKind: {
      case: 'callExpr',
      value: { $typeName: 'cel.expr.Expr.Call', function: name, args: [node] },
    },
  } as Expression;
}
