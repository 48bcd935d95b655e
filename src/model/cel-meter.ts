/**
 * What an evaluation costs, and when it has cost enough. The units are those of cel-go's run-time
 * cost, by which OpenFGA bounds its conditions: 1 for a name, a field or a plain call, a tenth of a
 * unit for each character gone through, 10 for a list made, 30 for a map.
 *
 * An evaluation is synchronous and never nests, so one meter serves all of them.
 */
import { type CelFunc, type CelValue, isCelList, isCelMap } from '@bufbuild/cel';

const meter = { spent: 0, limit: 0 };

export function startMeter(limit: number): void {
  meter.spent = 0;
  meter.limit = limit;
}

/**
 * ENSURES: once too much is spent, every later call throws too, so that an expression which swallows
 * the first error (`… || true`) ends all the same.
 */
export function spend(cost: number): void {
  meter.spent += cost;
  if (meter.spent > meter.limit) {
    throw new Error('operation cancelled: actual cost limit exceeded');
  }
}

const perCharacter = 0.1;
const perPatternCharacter = 0.25;

/** Functions of the instrumented expression, which CEL's own grammar cannot name. */
export const visitFunction = '@visit';
export const listFunction = '@list';
export const mapFunction = '@map';
export const constantInFunction = '@in_constants';

/** The call of a function, charged once it is known which overload took it. */
export function metered(func: CelFunc): CelFunc {
  return Object.create(func, {
    call: {
      value: (id: number, target: CelValue | undefined, args: CelValue[]) => {
        const result = func.call(id, target, args);
        if (result !== undefined) {
          spend(costOfCall(func.name, target === undefined ? args : [target, ...args]));
        }
        return result;
      },
    },
  });
}

/** REQUIRES: to be called before the match runs, for a match is the one call that can take long. */
export function spendOnMatch(text: string, pattern: string): void {
  spend(
    Math.ceil((1 + text.length) * perCharacter) * Math.ceil(pattern.length * perPatternCharacter),
  );
}

function costOfCall(name: string, operands: readonly CelValue[]): number {
  const [a = 0, b = 0] = operands.map(sizeOf);
  switch (name) {
    case 'matches':
      return 0;
    case constantInFunction:
      return 0;
    case listFunction:
      return 10;
    case mapFunction:
      return 30;
    case '@in':
      return isCelList(operands[1]) ? b : 1;
    case 'startsWith':
    case 'endsWith':
      return Math.ceil(a * perCharacter);
    case 'contains':
      return Math.ceil(a * perCharacter) * Math.ceil(b * perCharacter);
    case '_+_':
      return isText(operands[0]) ? Math.ceil((a + b) * perCharacter) : 1;
    case '_==_':
    case '_!=_':
    case '_<_':
    case '_<=_':
    case '_>_':
    case '_>=_':
      return Math.ceil(Math.min(a, b) * perCharacter);
    case 'bytes':
    case 'string':
      return isText(operands[0]) ? Math.ceil(a * perCharacter) : 1;
    default:
      return 1;
  }
}

function isText(value: CelValue | undefined): boolean {
  return typeof value === 'string' || value instanceof Uint8Array;
}

function sizeOf(value: CelValue): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length;
  return isCelList(value) || isCelMap(value) ? value.size : 1;
}
