/** Where in its text a type, relation or condition of a model is defined. */
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type YAMLMap } from 'yaml';
import type { ModelFault } from '../../src/model/validate.ts';

/** Both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Undefined where the fault names nothing, or nothing of this text. */
export function placeInDsl(text: string, fault: ModelFault): Place | undefined {
  let type: string | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const found = /^\s*(?:extend\s+)?(type|define|condition)\s+([^\s:(#]+)/.exec(line);
    const [keyword, name] = [found?.[1], found?.[2]];
    if (keyword === undefined || name === undefined) continue;
    if (keyword === 'type') type = name;
    const wanted =
      keyword === 'condition'
        ? fault.condition === name && fault.type === undefined
        : fault.type !== undefined &&
          type === fault.type &&
          (keyword === 'define' ? fault.relation === name : fault.relation === undefined);
    if (wanted) return { line: index + 1, column: line.indexOf(name, line.indexOf(keyword)) + 1 };
  }
  return undefined;
}

/** JSON is YAML, and YAML's parser remembers where everything stood. */
export function placeInJson(text: string, fault: ModelFault): Place | undefined {
  const lines = new LineCounter();
  const top = parseDocument(text, { lineCounter: lines }).contents;
  const offset = isMap(top) ? offsetOf(top, fault) : undefined;
  if (offset === undefined) return undefined;
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}

function offsetOf(top: YAMLMap, fault: ModelFault): number | undefined {
  if (fault.type === undefined) {
    const conditions = top.get('conditions');
    return fault.condition === undefined || !isMap(conditions)
      ? undefined
      : keyOffset(conditions, fault.condition);
  }
  const types = top.get('type_definitions') ?? top.get('typeDefinitions');
  const type = isSeq(types)
    ? types.items.find((item) => isMap(item) && item.get('type') === fault.type)
    : undefined;
  if (!isMap(type)) return undefined;
  const relations = type.get('relations');
  return fault.relation === undefined || !isMap(relations)
    ? type.range?.[0]
    : keyOffset(relations, fault.relation);
}

function keyOffset(map: YAMLMap, name: string): number | undefined {
  const key = map.items.map((item) => item.key).find((one) => isScalar(one) && one.value === name);
  return isScalar(key) ? key.range?.[0] : undefined;
}
