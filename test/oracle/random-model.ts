/**
 * Random models: small, and full of what has gone wrong in this field (wildcards and conditions
 * under `and` and `but not`, recursion, several kinds of subject of one type). Most are valid under
 * the server's rules; the caller keeps those that are.
 */
import type { PlainCondition, PlainModel, PlainRestriction, PlainRewrite } from './facts.ts';
import type { RandomSource } from './random-source.ts';

/** What a world is about. Each is on often enough to keep the weights that `world.ts` promises. */
export interface Flavour {
  /** Neither `and` nor `but not`: what the engine may look at from the subject's side. */
  readonly unions: boolean;
  readonly wildcards: boolean;
  readonly recursion: boolean;
  readonly conditions: boolean;
  /** Several kinds of subject of one type in one relation: `t`, `t:*`, `t#a`, `t#b`. */
  readonly kinds: boolean;
  readonly oddNames: boolean;
  /** One type, whose relations subtract each other through its own usersets: cycles through negation. */
  readonly knots: boolean;
}

interface RelationDraft {
  rewrite: PlainRewrite;
  restrictions: PlainRestriction[];
}

/** Relation drafts by type and name. A name that begins with `in_` is a tupleset. */
type Draft = Map<string, Map<string, RelationDraft>>;

const int = { type_name: 'TYPE_NAME_INT' };
const bool = { type_name: 'TYPE_NAME_BOOL' };
const text = { type_name: 'TYPE_NAME_STRING' };
const texts = { type_name: 'TYPE_NAME_LIST', generic_types: [text] };

const conditionFamily: readonly Omit<PlainCondition, 'name'>[] = [
  { expression: 'x == 1', parameters: { x: int } },
  { expression: 'x != 1', parameters: { x: int } },
  { expression: 'a < b', parameters: { a: int, b: int } },
  { expression: 'name in names', parameters: { name: text, names: texts } },
  { expression: 'p || q', parameters: { p: bool, q: bool } },
  { expression: 'true', parameters: {} },
];

const plainTypes = ['user', 'group', 'folder', 'doc', 'team', 'org'];
const oddTypes = ['user', 'User', 'doc', 'doc|x', 'constructor', 'doc,viewer'];
const plainRelations = ['viewer', 'editor', 'member', 'owner', 'banned'];
const oddRelations = ['viewer', 'Viewer', 'constructor', 'viewer|a', 'a,viewer'];
const tuplesets = ['in_folder', 'in_group'];

export function randomModel(random: RandomSource, flavour: Flavour): PlainModel {
  const typeCount = flavour.knots ? 2 : random.pick([2, 2, 3, 3, 4, 5, 6]);
  const types = (flavour.oddNames ? oddTypes : plainTypes).slice(0, typeCount);
  const draft: Draft = new Map();
  for (const [index, type] of types.entries()) {
    const bare = index === 0 && (flavour.knots || random.chance(0.75));
    draft.set(type, new Map(bare ? [] : relationNames(random, flavour).map(emptyRelation)));
  }
  const conditions = randomConditions(random);
  const maker = new RelationMaker(random, flavour, draft, Object.keys(conditions));
  for (const [type, relations] of draft) {
    for (const name of relations.keys()) relations.set(name, maker.relation(type, name));
  }
  return toModel(draft, conditions);
}

/** A later version of a model: some relations are made anew, some conditions mean something else. */
export function changedModel(
  random: RandomSource,
  flavour: Flavour,
  model: PlainModel,
): PlainModel {
  const draft = toDraft(model);
  const conditions = { ...model.conditions };
  for (const name of Object.keys(conditions)) {
    if (random.chance(0.35)) conditions[name] = { name, ...random.pick(conditionFamily) };
  }
  const maker = new RelationMaker(random, flavour, draft, Object.keys(conditions));
  for (const [type, relations] of draft) {
    for (const [name, relation] of relations) {
      switch (random.weighted({ keep: 37, remake: 25, restrict: 32, remove: 6 })) {
        case 'remake':
          relations.set(name, maker.relation(type, name));
          break;
        case 'restrict':
          relation.restrictions = maker.restricted(relation.restrictions);
          break;
        case 'remove':
          relations.delete(name);
      }
    }
    if (draft.size > 1 && random.chance(0.05)) draft.delete(type);
  }
  return toModel(draft, conditions);
}

function relationNames(random: RandomSource, flavour: Flavour): string[] {
  const names = (flavour.oddNames ? oddRelations : plainRelations).slice(0, random.between(1, 4));
  // Where all are unions, two ways to one object ask it for relations that overlap.
  const both = flavour.unions ? 0.5 : 0.15;
  const parents = random.chance(0.65) ? tuplesets.slice(0, random.chance(both) ? 2 : 1) : [];
  return [...names, ...parents];
}

function emptyRelation(name: string): [string, RelationDraft] {
  return [name, { rewrite: { this: {} }, restrictions: [] }];
}

function randomConditions(random: RandomSource): Record<string, PlainCondition> {
  const chosen = random.shuffled(conditionFamily).slice(0, random.between(2, 4));
  return Object.fromEntries(
    chosen.map((condition, index) => [`c${index}`, { name: `c${index}`, ...condition }]),
  );
}

/** Makes one relation at a time, of names that all exist already. */
class RelationMaker {
  private readonly random: RandomSource;
  private readonly flavour: Flavour;
  private readonly draft: Draft;
  private readonly conditions: readonly string[];

  constructor(random: RandomSource, flavour: Flavour, draft: Draft, conditions: string[]) {
    this.random = random;
    this.flavour = flavour;
    this.draft = draft;
    this.conditions = conditions;
  }

  relation(type: string, name: string): RelationDraft {
    if (name.startsWith('in_')) {
      return { rewrite: { this: {} }, restrictions: this.parents(type) };
    }
    const rewrite = this.rewrite(type, name, 0);
    const direct = JSON.stringify(rewrite).includes('"this"');
    return { rewrite, restrictions: direct ? this.restrictions(type, name) : [] };
  }

  /** Fewer restrictions, or other conditions on them: what makes stored tuples stale. */
  restricted(restrictions: readonly PlainRestriction[]): PlainRestriction[] {
    if (restrictions.length === 0) return [];
    const victim = this.random.pick(restrictions);
    const rest = restrictions.filter((restriction) => restriction !== victim);
    const { condition: _, ...unguarded } = victim;
    switch (this.random.weighted({ fewer: 40, toggled: 30, rotated: 30 })) {
      case 'fewer':
        return rest.length > 0 ? rest : [victim];
      case 'toggled':
        return distinct([...rest, victim.condition ? unguarded : this.guarded(unguarded, 1)]);
      case 'rotated':
        return distinct(
          restrictions.map(({ condition: _, ...shape }, index) => {
            const condition = restrictions[(index + 1) % restrictions.length]?.condition;
            return condition === undefined ? shape : { ...shape, condition };
          }),
        );
    }
  }

  private rewrite(type: string, name: string, depth: number): PlainRewrite {
    const { random } = this;
    if (this.flavour.knots && depth === 0 && random.chance(0.25)) {
      return this.doubleKnot(type, name);
    }
    // Else chains of nothing but computed relations are rare.
    if (depth === 0 && random.chance(0.1)) return this.computed(type, name) ?? { this: {} };
    if (random.chance([0.65, 0.35, 0.1][depth] ?? 0)) {
      const child = () => this.rewrite(type, name, depth + 1);
      const negation = this.flavour.knots ? 150 : this.flavour.wildcards ? 50 : 30;
      const others = this.flavour.unions ? 0 : 1;
      const weights = { union: 35, intersection: 25 * others, exclusion: negation * others };
      switch (random.weighted(weights)) {
        case 'union':
          return { union: { child: [child(), child()] } };
        case 'intersection':
          return {
            intersection: {
              child: random.chance(0.2) ? [child(), child(), child()] : [child(), child()],
            },
          };
        case 'exclusion':
          return { difference: { base: child(), subtract: child() } };
      }
    }
    return this.leaf(type, name);
  }

  /** What can be taken for false on a straight cycle, and again under a subtraction. */
  private doubleKnot(type: string, name: string): PlainRewrite {
    const subtract = this.computed(type, name) ?? this.leaf(type, name);
    const straight = this.random.chance(0.5) ? { this: {} } : subtract;
    return { union: { child: [straight, { difference: { base: { this: {} }, subtract } }] } };
  }

  private leaf(type: string, name: string): PlainRewrite {
    switch (this.random.weighted({ this: 50, computed: 20, from: 30 })) {
      case 'this':
        return { this: {} };
      case 'computed':
        return this.computed(type, name) ?? { this: {} };
      case 'from':
        return this.from(type) ?? { this: {} };
    }
  }

  /** Only names that stand further back, so that no computed relations run in a circle. */
  private computed(type: string, name: string): PlainRewrite | undefined {
    const names = [...(this.draft.get(type)?.keys() ?? [])];
    const later = names.slice(names.indexOf(name) + 1);
    if (later.length === 0) return undefined;
    return { computedUserset: { relation: this.random.pick(later) } };
  }

  private from(type: string): PlainRewrite | undefined {
    const parents = [...(this.draft.get(type)?.keys() ?? [])].filter((n) => n.startsWith('in_'));
    if (parents.length === 0) return undefined;
    const names = [...this.draft.values()].flatMap((relations) => [...relations.keys()]);
    const relation = this.flavour.recursion ? this.own(type) : this.random.pick(names);
    const tupleset = this.random.pick(parents);
    return { tupleToUserset: { tupleset: { relation: tupleset }, computedUserset: { relation } } };
  }

  private parents(type: string): PlainRestriction[] {
    const { random } = this;
    const holders = [...this.draft].filter(([, relations]) => relations.size > 0);
    const types = [random.pick(holders)[0]];
    if (this.flavour.recursion || random.chance(0.2)) types.push(type);
    if (random.chance(0.5)) types.push(random.pick(holders)[0]);
    if (this.flavour.recursion && random.chance(0.3)) {
      // Every type under the next one: cycles of as many types as there are.
      const ring = holders.map(([holder]) => holder);
      types.push(ring[(ring.indexOf(type) + 1) % ring.length] as string);
    }
    return distinct(types.flatMap((parent) => this.guards({ type: parent })));
  }

  private restrictions(type: string, name: string): PlainRestriction[] {
    const { random, flavour } = this;
    const result: PlainRestriction[] = [];
    if (random.chance(0.85)) result.push({ type: this.firstType() });
    if (flavour.recursion && random.chance(0.5)) result.push({ type, relation: name });
    if (flavour.knots) {
      const relation = random.chance(0.6) ? this.nextOwn(type, name) : this.own(type);
      result.push({ type, relation });
    }
    if (!flavour.knots && flavour.recursion && random.chance(0.3)) {
      result.push({ type, relation: this.own(type) });
    }
    if (flavour.kinds) result.push(...this.kindsOfOneType());
    for (let more = random.between(result.length === 0 ? 1 : 0, 2); more > 0; more--) {
      result.push(this.anyRestriction());
    }
    return distinct(result.flatMap((restriction) => this.guards(restriction)));
  }

  private own(type: string): string {
    return this.random.pick([...(this.draft.get(type)?.keys() ?? [])]);
  }

  /** The relation after this one, in a ring: cycles of as many relations as the type has. */
  private nextOwn(type: string, name: string): string {
    const names = [...(this.draft.get(type)?.keys() ?? [])].filter((n) => !n.startsWith('in_'));
    return names[(names.indexOf(name) + 1) % names.length] as string;
  }

  private anyRestriction(): PlainRestriction {
    const { random, flavour } = this;
    const type = random.pick([this.firstType(), ...this.draft.keys()]);
    const relations = [...(this.draft.get(type)?.keys() ?? [])];
    const wildcard = flavour.wildcards ? 50 : 12;
    switch (random.weighted({ object: 20, wildcard, userset: relations.length > 0 ? 60 : 0 })) {
      case 'object':
        return { type };
      case 'wildcard':
        return { type, wildcard: {} };
      case 'userset':
        return { type, relation: random.pick(relations) };
    }
  }

  private kindsOfOneType(): PlainRestriction[] {
    const { random } = this;
    const [type, relations] = random.pick([...this.draft].filter(([, names]) => names.size > 0));
    const kinds: PlainRestriction[] = [
      { type },
      { type, wildcard: {} },
      ...[...relations.keys()].map((relation) => ({ type, relation })),
    ];
    return random.shuffled(kinds).slice(0, random.between(2, 3));
  }

  /** The restriction itself, guarded, or both. */
  private guards(restriction: PlainRestriction): PlainRestriction[] {
    const guarded = this.guarded(restriction, this.flavour.conditions ? 0.4 : 0.04);
    if (guarded === restriction || this.random.chance(0.6)) return [guarded];
    return [restriction, guarded];
  }

  private guarded(restriction: PlainRestriction, probability: number): PlainRestriction {
    if (this.conditions.length === 0 || !this.random.chance(probability)) return restriction;
    const condition = this.random.chance(0.4)
      ? (this.conditions[0] as string)
      : this.random.pick(this.conditions);
    return { ...restriction, condition };
  }

  private firstType(): string {
    return this.draft.keys().next().value as string;
  }
}

function distinct(restrictions: readonly PlainRestriction[]): PlainRestriction[] {
  return [...new Map(restrictions.map((item) => [JSON.stringify(item), item])).values()];
}

function toModel(draft: Draft, conditions: Record<string, PlainCondition>): PlainModel {
  const text = JSON.stringify([...draft.values()].map((relations) => [...relations.values()]));
  const used = Object.entries(conditions).filter(([name]) => text.includes(`"${name}"`));
  return {
    schema_version: '1.1',
    type_definitions: [...draft].map(([type, relations]) => ({
      type,
      relations: Object.fromEntries([...relations].map(([name, { rewrite }]) => [name, rewrite])),
      metadata: {
        relations: Object.fromEntries(
          [...relations].map(([name, { restrictions }]) => [
            name,
            { directly_related_user_types: restrictions },
          ]),
        ),
      },
    })),
    conditions: Object.fromEntries(used),
  };
}

function toDraft(model: PlainModel): Draft {
  return new Map(
    model.type_definitions.map(({ type, relations, metadata }) => [
      type,
      new Map(
        Object.entries(relations ?? {}).map(([name, rewrite]) => [
          name,
          {
            rewrite,
            restrictions: [...(metadata?.relations[name]?.directly_related_user_types ?? [])],
          },
        ]),
      ),
    ]),
  );
}
