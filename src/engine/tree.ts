/** The userset tree of Expand, one level deep, with names as texts. */

export type TreeNode = { readonly name: string } & (
  | { readonly kind: 'users'; readonly users: readonly string[] }
  | { readonly kind: 'computed'; readonly userset: string }
  | { readonly kind: 'from'; readonly tupleset: string; readonly computed: readonly string[] }
  | { readonly kind: 'union' | 'intersection'; readonly nodes: readonly TreeNode[] }
  | { readonly kind: 'difference'; readonly base: TreeNode; readonly subtract: TreeNode }
);
