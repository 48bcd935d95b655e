/** YAML (and JSON, which is YAML too) with the line of every value, for files that people write. */
import { isMap, isSeq, LineCounter, type Node, parseDocument, stringify } from 'yaml';
import { inputFailure } from './lines.ts';

export interface YamlFile {
  readonly value: unknown;
  /** The line where the value at this path begins; that of the nearest part that exists otherwise. */
  lineOf(path: readonly (string | number)[]): number;
}

/** ENSURES: a file that is no YAML throws a Failure that names the line. */
export function parseYaml(file: string, text: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) {
    throw inputFailure(file, lines.linePos(error.pos[0]).line, `is not YAML: ${error.message}`);
  }
  let value: unknown;
  try {
    value = document.toJS();
  } catch (cause) {
    // Aliases that unfold without end.
    throw inputFailure(file, undefined, (cause as Error).message);
  }
  return {
    value,
    lineOf(path) {
      let node = document.contents as Node | null;
      let line = startLine(lines, node) ?? 1;
      for (const part of path) {
        const pair = isMap(node)
          ? node.items.find((item) => String(item.key) === String(part))
          : undefined;
        const next = pair?.value ?? (isSeq(node) ? node.items[Number(part)] : undefined);
        if (next === undefined || next === null) break;
        node = next as Node;
        line = startLine(lines, (pair?.key ?? node) as Node) ?? line;
      }
      return line;
    },
  };
}

/**
 * Texts that older YAML would take for a time, a truth value or a number are quoted: readers of this
 * file in other languages still follow those rules. Long texts stay in one piece.
 */
export function toYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, version: '1.1' });
}

function startLine(lines: LineCounter, node: Node | null): number | undefined {
  return node?.range ? lines.linePos(node.range[0]).line : undefined;
}
