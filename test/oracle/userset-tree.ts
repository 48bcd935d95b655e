/**
 * Expand put to the test: the trees of a question and of all that they name, read as rules, must
 * give the answer that the oracle has when every condition is met.
 */
import { assert } from '../../src/base/assert.ts';
import type { UsersetTree_Node } from '../../src/gen/openfga/v1/openfga_pb.ts';
import { type PlainModel, relationsOf, typeOf } from './facts.ts';
import { type Answers, type Rule, solve } from './oracle.ts';

/** The tree of one relation of one object. */
export type Expanding = (object: string, relation: string) => Promise<UsersetTree_Node>;

export class TreeSystem {
  private readonly model: PlainModel;
  private readonly expand: Expanding;
  private readonly rules: Rule[] = [];
  private readonly atoms = new Map<string, number>();
  /** Named, but not expanded yet. */
  private readonly open: string[] = [];

  constructor(model: PlainModel, expand: Expanding) {
    this.model = model;
    this.expand = expand;
  }

  /** Expands the question, and what its tree names, and so on. */
  async include(object: string, relation: string): Promise<void> {
    this.atomOf(`${object}#${relation}`);
    for (let name = this.open.pop(); name !== undefined; name = this.open.pop()) {
      const [of, through] = name.split('#') as [string, string];
      const root = await this.expand(of, through);
      const rewrite = this.ruleOf(root, name);
      this.rules[this.atomOf(name)] = { kind: 'relation', self: name, rewrite };
    }
  }

  /** REQUIRES: the questions that are looked up are included. */
  ask(subject: string): Answers {
    return solve(this.rules, subject, (object, relation) => this.atomOf(`${object}#${relation}`));
  }

  private atomOf(name: string): number {
    const known = this.atoms.get(name);
    if (known !== undefined) return known;
    const atom = this.rules.push({ kind: 'any', of: [] }) - 1;
    this.atoms.set(name, atom);
    this.open.push(name);
    return atom;
  }

  private ruleOf(node: UsersetTree_Node, name: string): number {
    assert(node.name === name, `${node.name} stands in the tree of ${name}`);
    return this.rules.push(this.read(node, name)) - 1;
  }

  private read({ value }: UsersetTree_Node, name: string): Rule {
    const child = (node: UsersetTree_Node) => this.ruleOf(node, name);
    const anyOf = (names: readonly string[]): Rule => ({
      kind: 'any',
      of: names.map((each) => ({ atom: this.atomOf(each), guard: true as const })),
    });
    switch (value.case) {
      case 'union':
        return {
          kind: 'any',
          of: value.value.nodes.map((node) => ({ atom: child(node), guard: true as const })),
        };
      case 'intersection':
        return { kind: 'all', of: value.value.nodes.map(child) };
      case 'difference': {
        const { base, subtract } = value.value;
        assert(base !== undefined && subtract !== undefined, 'a difference has two sides');
        return { kind: 'minus', base: child(base), subtract: child(subtract) };
      }
      case 'leaf': {
        const leaf = value.value.value;
        if (leaf.case === 'computed') return anyOf([leaf.value.userset]);
        if (leaf.case === 'tupleToUserset') {
          return anyOf(leaf.value.computed.map(({ userset }) => userset).filter(this.isDefined));
        }
        assert(leaf.case === 'users', 'a leaf is of some kind');
        const { users } = leaf.value;
        assert(new Set(users).size === users.length, `${name} names nobody twice`);
        return { kind: 'direct', entries: users.map((subject) => this.entryOf(subject)) };
      }
      default:
        throw new Error(`the tree of ${name} has a node of no kind`);
    }
  }

  /** The tree names what tuples lead to, whether its type has the relation or not. */
  private readonly isDefined = (userset: string) => {
    const [object, relation] = userset.split('#') as [string, string];
    return Object.hasOwn(relationsOf(this.model, typeOf(object)), relation);
  };

  private entryOf(subject: string) {
    const atom = subject.includes('#') ? this.atomOf(subject) : -1;
    return { subject, guard: true as const, atom, replaced: false };
  }
}
