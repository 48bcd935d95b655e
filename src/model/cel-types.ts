/**
 * The types of CEL as the checker needs them, and when one may stand for another. A type variable
 * (`A` in `list<A>`) is bound in a substitution; `dyn` stands for everything, both ways.
 */

export type CelType =
  | { readonly kind: ScalarKind }
  | { readonly kind: 'list'; readonly element: CelType }
  | { readonly kind: 'map'; readonly key: CelType; readonly value: CelType }
  | { readonly kind: 'variable'; readonly name: string };

export type ScalarKind =
  | 'bool'
  | 'bytes'
  | 'double'
  | 'duration'
  | 'dyn'
  | 'int'
  | 'ipaddress'
  | 'null_type'
  | 'string'
  | 'timestamp'
  | 'type'
  | 'uint';

export type Substitution = ReadonlyMap<string, CelType>;

export function scalar(kind: ScalarKind): CelType {
  return { kind };
}

/** Types of which null is a value: those that CEL carries as messages. */
const nullable: ReadonlySet<string> = new Set(['duration', 'timestamp', 'ipaddress']);

/**
 * The substitution under which a value of type `actual` may stand where `wanted` is asked for;
 * undefined if there is none.
 */
export function assign(
  actual: CelType,
  wanted: CelType,
  substitution: Substitution,
): Substitution | undefined {
  const from = resolve(actual, substitution);
  const to = resolve(wanted, substitution);
  if (from.kind === 'variable' || to.kind === 'variable') return bind(from, to, substitution);
  if (wanted.kind === 'variable') {
    const after = assign(from, to, substitution);
    // The variable must stand for all that was put in its place: `int`, then `dyn`, makes `dyn`.
    return after && lessSpecific(from, to) ? rebind(wanted.name, from, after) : after;
  }
  if (from.kind === 'dyn' || to.kind === 'dyn') return substitution;
  if (from.kind === 'list' && to.kind === 'list') {
    return assign(from.element, to.element, substitution);
  }
  if (from.kind === 'map' && to.kind === 'map') {
    const keys = assign(from.key, to.key, substitution);
    return keys && assign(from.value, to.value, keys);
  }
  const null_ = from.kind === 'null_type' ? to.kind : to.kind === 'null_type' ? from.kind : '';
  return from.kind === to.kind || nullable.has(null_) ? substitution : undefined;
}

function bind(from: CelType, to: CelType, substitution: Substitution): Substitution | undefined {
  const [variable, other] = from.kind === 'variable' ? [from, to] : [to, from];
  if (variable.kind !== 'variable') return undefined;
  if (other.kind === 'variable' && other.name === variable.name) return substitution;
  if (mentions(other, variable.name, substitution)) return undefined;
  return new Map(substitution).set(variable.name, other);
}

/** Follows a chain of variables to the last of them, and gives that another type. */
function rebind(name: string, type: CelType, substitution: Substitution): Substitution {
  let last = name;
  for (let next = substitution.get(last); next?.kind === 'variable'; ) {
    last = next.name;
    next = substitution.get(last);
  }
  return new Map(substitution).set(last, type);
}

/** Whether `a` says less than `b`: it has `dyn` somewhere, and nowhere the other way round. */
function lessSpecific(a: CelType, b: CelType): boolean {
  if (a.kind === 'dyn') return b.kind !== 'dyn';
  if (a.kind === 'list' && b.kind === 'list') return lessSpecific(a.element, b.element);
  if (a.kind === 'map' && b.kind === 'map') {
    return lessSpecific(a.key, b.key) || lessSpecific(a.value, b.value);
  }
  return false;
}

/** A type that contained itself would never end. */
function mentions(type: CelType, name: string, substitution: Substitution): boolean {
  const resolved = resolve(type, substitution);
  switch (resolved.kind) {
    case 'variable':
      return resolved.name === name;
    case 'list':
      return mentions(resolved.element, name, substitution);
    case 'map':
      return (
        mentions(resolved.key, name, substitution) || mentions(resolved.value, name, substitution)
      );
    default:
      return false;
  }
}

function resolve(type: CelType, substitution: Substitution): CelType {
  let resolved = type;
  while (resolved.kind === 'variable') {
    const bound = substitution.get(resolved.name);
    if (bound === undefined) break;
    resolved = bound;
  }
  return resolved;
}

/** The type with its variables replaced. Those that nothing bound remain. */
export function substitute(type: CelType, substitution: Substitution): CelType {
  const resolved = resolve(type, substitution);
  switch (resolved.kind) {
    case 'list':
      return { kind: 'list', element: substitute(resolved.element, substitution) };
    case 'map':
      return {
        kind: 'map',
        key: substitute(resolved.key, substitution),
        value: substitute(resolved.value, substitution),
      };
    default:
      return resolved;
  }
}

/** The type with every variable given another name, so that two uses of a function stay apart. */
export function renamed(type: CelType, suffix: string): CelType {
  switch (type.kind) {
    case 'variable':
      return { kind: 'variable', name: `${type.name}${suffix}` };
    case 'list':
      return { kind: 'list', element: renamed(type.element, suffix) };
    case 'map':
      return { kind: 'map', key: renamed(type.key, suffix), value: renamed(type.value, suffix) };
    default:
      return type;
  }
}

/** As CEL's own messages write it: `list(int)`, `map(string, dyn)`. */
export function formatType(type: CelType): string {
  switch (type.kind) {
    case 'list':
      return `list(${formatType(type.element)})`;
    case 'map':
      return `map(${formatType(type.key)}, ${formatType(type.value)})`;
    case 'variable':
      return 'dyn';
    case 'ipaddress':
      return 'IPAddress';
    case 'null_type':
      return 'null';
    default:
      return type.kind;
  }
}

export function sameType(a: CelType, b: CelType): boolean {
  return formatType(a) === formatType(b);
}
