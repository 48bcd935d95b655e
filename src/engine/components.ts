/**
 * The strong components of a graph, by Tarjan's algorithm with the recursion unrolled: a model may
 * chain more relations, and its tuples more questions, than the JavaScript stack has room for.
 */

/** The nodes of each component; a component comes after all that it leads to. */
export function componentsOf(targets: readonly (readonly number[])[]): number[][] {
  const components: number[][] = [];
  const placed = new Uint8Array(targets.length);
  const order = new Int32Array(targets.length).fill(-1);
  const low = new Int32Array(targets.length);
  const path: { node: number; next: number }[] = [];
  const stack: number[] = [];
  let visited = 0;

  function enter(node: number): void {
    order[node] = visited;
    low[node] = visited++;
    stack.push(node);
    path.push({ node, next: 0 });
  }

  function leave(node: number): void {
    path.pop();
    const parent = path.at(-1);
    if (parent !== undefined) {
      low[parent.node] = Math.min(low[parent.node] as number, low[node] as number);
    }
    if (low[node] !== order[node]) return;
    const members = stack.splice(stack.lastIndexOf(node));
    for (const member of members) placed[member] = 1;
    components.push(members);
  }

  for (let root = 0; root < targets.length; root++) {
    if (order[root] !== -1) continue;
    enter(root);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const { node } = top;
      const target = targets[node]?.[top.next++];
      if (target === undefined) leave(node);
      else if (order[target] === -1) enter(target);
      else if (placed[target] === 0) {
        low[node] = Math.min(low[node] as number, order[target] as number);
      }
    }
  }
  return components;
}
