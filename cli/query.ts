/** `pemba query`: ask a server whether a user may, and how; the lists have files of their own. */
import type { Command } from 'commander';
import type { JsonObject } from '../src/base/json.ts';
import { type Connection, connectToStore } from './connection.ts';
import { exitCodes } from './exit-codes.ts';
import { jsonObject } from './option-values.ts';
import { paint, print, printJson } from './output.ts';
import { printExplanation } from './query-explain.ts';
import { registerListObjects, registerListUsers } from './query-lists.ts';
import {
  addQueryOptions,
  commonBody,
  contextualTuples,
  pembaBody,
  type QueryFlags,
} from './query-options.ts';
import { registerObjects, registerSubjects } from './query-pages.ts';
import { registerListRelations } from './query-relations.ts';
import type { WireNode } from './wire.ts';

interface CheckFlags extends QueryFlags {
  readonly context?: JsonObject;
  readonly exitCode?: boolean;
  readonly explain?: boolean;
}

export function registerQuery(program: Command): void {
  const query = program.command('query').description('ask who may do what');
  registerCheck(query);
  registerExpand(query);
  registerListObjects(query);
  registerListUsers(query);
  registerListRelations(query);
  registerObjects(query);
  registerSubjects(query);
}

function registerCheck(query: Command): void {
  const command = addQueryOptions(
    query
      .command('check <user> <relation> <object>')
      .description('may this user do this to that object?'),
  )
    .option('--context <json>', 'values for conditions', jsonObject)
    .option('--exit-code', `exit ${exitCodes.failed.code} when denied`)
    .option('--explain', 'show why: a tree of rewrites and tuples (needs a Pemba server)')
    .addHelpText(
      'after',
      `
Examples:
  $ pemba query check user:anne viewer document:roadmap
  $ pemba query check user:anne viewer document:roadmap --explain
  $ pemba query check user:anne viewer document:roadmap --context '{"ip": "10.0.0.1"}'
  $ pemba query check user:anne viewer document:roadmap \\
      --contextual-tuple "user:anne member group:eng"`,
    );
  command.action(async (user: string, relation: string, object: string, flags: CheckFlags) => {
    const connection = connectToStore(command);
    if (flags.explain === true) {
      const allowed = await explain(connection, { subject: user, relation, object }, flags);
      if (flags.exitCode === true && !allowed) process.exitCode = exitCodes.failed.code;
      return;
    }
    const answer = await connection.client.check(connection.storeId, {
      tuple_key: { user, relation, object },
      ...commonBody(connection, flags),
      ...contextualTuples(flags),
      ...(flags.context === undefined ? {} : { context: flags.context }),
    });
    if (connection.json) printJson(answer);
    else print(answer.allowed ? paint('green', 'allowed') : paint('red', 'denied'));
    if (flags.exitCode === true && !answer.allowed) process.exitCode = exitCodes.failed.code;
  });
}

async function explain(
  connection: Connection,
  question: { readonly subject: string; readonly relation: string; readonly object: string },
  flags: CheckFlags,
): Promise<boolean> {
  const body = { ...question, ...pembaBody(connection, flags) };
  const answer = await connection.client.explain(connection.storeId, body);
  if (connection.json) printJson(answer);
  else printExplanation(answer);
  return answer.outcome === 'OUTCOME_ALLOWED';
}

function registerExpand(query: Command): void {
  const command = addQueryOptions(
    query
      .command('expand <relation> <object>')
      .description('how one relation of one object comes about, one level deep'),
  ).addHelpText(
    'after',
    `
Example:
  $ pemba query expand viewer document:roadmap`,
  );
  command.action(async (relation: string, object: string, flags: QueryFlags) => {
    const connection = connectToStore(command);
    const answer = await connection.client.expand(connection.storeId, {
      tuple_key: { relation, object },
      ...commonBody(connection, flags),
      ...contextualTuples(flags),
    });
    if (connection.json) printJson(answer);
    else printTree(answer.tree.root);
  });
}

interface Branch {
  readonly text: string;
  readonly children: readonly Branch[];
}

function printTree(root: WireNode): void {
  print(paint('bold', root.name));
  printBranches([branchOf(root)], '');
}

function printBranches(branches: readonly Branch[], indent: string): void {
  for (const [index, branch] of branches.entries()) {
    const last = index === branches.length - 1;
    print(`${indent}${last ? '└─' : '├─'} ${branch.text}`);
    printBranches(branch.children, `${indent}${last ? '   ' : '│  '}`);
  }
}

function branchOf(node: WireNode): Branch {
  if (node.union) return { text: 'any of', children: node.union.nodes.map(branchOf) };
  if (node.intersection) return { text: 'all of', children: node.intersection.nodes.map(branchOf) };
  if (node.difference) {
    const { base, subtract } = node.difference;
    const but = { text: 'but not', children: [branchOf(subtract)] };
    return { text: 'difference', children: [branchOf(base), but] };
  }
  return leafOf(node.leaf);
}

function leafOf(leaf: WireNode['leaf']): Branch {
  if (leaf?.computed) return { text: `everyone of ${leaf.computed.userset}`, children: [] };
  if (leaf?.tupleToUserset) {
    const { tupleset, computed } = leaf.tupleToUserset;
    const children = computed.map(({ userset }) => ({
      text: `everyone of ${userset}`,
      children: [],
    }));
    return { text: `through ${tupleset}${children.length === 0 ? ': nobody' : ''}`, children };
  }
  const users = leaf?.users?.users ?? [];
  if (users.length === 0) return { text: 'directly: nobody', children: [] };
  return { text: 'directly', children: users.map((text) => ({ text, children: [] })) };
}
