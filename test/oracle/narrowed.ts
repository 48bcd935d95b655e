/** The exact lists asked for less: for some types, some relations, some kinds, or what is in a scope. */
import type { ListedObject, ListedSubject } from '../../src/gen/pemba/v1/query_service_pb.ts';
import { type Asked, queryOf } from './asked.ts';
import { Behind } from './behind.ts';
import { objectsByName, saidOfObject, saidOfSubject, subjectsByName } from './exact-lists.ts';
import { counts, type Facts, type Outcome, type Question, typeOf, weigh } from './facts.ts';
import { judge, oracleFor } from './judge.ts';
import { questionSpace, someQuestions } from './questions.ts';
import type { RandomSource } from './random-source.ts';
import type { ServedWorld } from './served-world.ts';
import { countRule, type Tally } from './tally.ts';
import type { Setting, World } from './world.ts';

const listsPerWorld = 12;

interface Scope {
  readonly object: string;
  readonly relation: string;
  readonly direct: boolean;
}

/** Throws at the first list that is not what its whole would be without the rest. */
export async function compareNarrowed(
  served: ServedWorld,
  world: World,
  random: RandomSource,
  tally: Tally,
): Promise<void> {
  const setting = random.below(world.settings.length);
  const trial = new Trial(served, world, setting, random);
  for (const question of someQuestions(random, world, setting, listsPerWorld)) {
    const objects = await trial.objects(question);
    const subjects = await trial.subjects(question);
    countRule(tally, 'lists asked for less: of objects', 1, objects);
    countRule(tally, 'lists asked for less: of subjects', 1, subjects);
  }
}

class Trial {
  private readonly served: ServedWorld;
  private readonly random: RandomSource;
  private readonly setting: Setting;
  private readonly behind: Behind;
  private readonly space: ReturnType<typeof questionSpace>;

  constructor(served: ServedWorld, world: World, setting: number, random: RandomSource) {
    this.served = served;
    this.random = random;
    this.setting = world.settings[setting] as Setting;
    this.behind = new Behind(oracleFor(world, this.setting));
    this.space = questionSpace(world, this.facts.model);
  }

  private get facts(): Facts {
    return this.behind.oracle.facts;
  }

  /** Returns how many answers were compared. */
  async objects(about: Asked): Promise<number> {
    const { subject } = about;
    const { objects, relations: defined } = this.space;
    const types = this.some([...defined.keys()]);
    const ofTypes = [...defined].filter(([type]) => types.length === 0 || types.includes(type));
    const relations = this.some([...new Set(ofTypes.flatMap(([, names]) => names))]);
    const scope = this.scope();
    const query = { ...queryOf(this.served, this.setting), subject, types, relations };
    const request = scope === undefined ? query : { ...query, scope };
    const rows = await objectsByName(this.served, request);
    const isAsked = ({ object, relation }: Question) =>
      includes(types, typeOf(object)) && includes(relations, relation);
    this.refuseStray(request, rows.values(), (row: ListedObject, relation) =>
      isAsked({ object: row.object, relation, subject }),
    );
    const answers = this.behind.oracle.ask(subject);
    const under = scope && this.under(scope);
    const place = (object: string) => (under === undefined ? 'certain' : under.get(object));
    const questions = objects.flatMap((object) =>
      (defined.get(typeOf(object)) ?? []).map((relation) => ({ ...about, object, relation })),
    );
    for (const question of questions.filter(isAsked)) {
      const { object, relation } = question;
      const owed = inScope(answers.outcome(object, relation), place(object));
      const got = saidOfObject(rows, question);
      if (judge(this.behind, 'exactObjects', question, owed, got) === 'disagree') {
        throw fault(request, question, `${got}, not ${owed}`);
      }
    }
    return questions.length;
  }

  async subjects(about: Asked): Promise<number> {
    const { object } = about;
    const { subjects, relations: defined } = this.space;
    const relations = this.some(defined.get(typeOf(object)) ?? []);
    const kinds = this.some([...new Set(subjects.map(kindOf))]);
    const request = {
      ...queryOf(this.served, this.setting),
      object,
      relations,
      subject_types: kinds,
    };
    const rows = await subjectsByName(this.served, request);
    this.refuseStray(
      request,
      rows.values(),
      (row: ListedSubject, relation) =>
        includes(kinds, kindOf(row.subject)) && includes(relations, relation),
    );
    const asked = (defined.get(typeOf(object)) ?? []).filter((each) => includes(relations, each));
    const named = subjects.filter((subject) => includes(kinds, kindOf(subject)));
    for (const subject of named) {
      const answers = this.behind.oracle.ask(subject);
      for (const relation of asked) {
        const question = { object, relation, subject };
        const owed = answers.outcome(object, relation);
        const got = saidOfSubject(rows, question);
        if (judge(this.behind, 'exactSubjects', question, owed, got) === 'disagree') {
          throw fault(request, question, `${got}, not ${owed}`);
        }
      }
    }
    return named.length * asked.length;
  }

  /** None stands for all. One alone is most likely to leave others out that stand for it. */
  private some(names: readonly string[]): string[] {
    if (this.random.chance(0.3) || names.length === 0) return [];
    const most = this.random.chance(0.6) ? 1 : this.random.between(1, names.length);
    return this.random.shuffled(names).slice(0, most);
  }

  private scope(): Scope | undefined {
    const { model, stored, contextual } = this.facts;
    const leading = [...stored, ...contextual].filter(
      (tuple) =>
        counts(model, tuple) &&
        !tuple.subject.includes('#') &&
        !tuple.subject.endsWith(':*') &&
        this.space.objects.includes(tuple.subject),
    );
    if (leading.length === 0 || this.random.chance(0.2)) return undefined;
    const { subject: object, relation } = this.random.pick(leading);
    return { object, relation, direct: this.random.chance(0.4) };
  }

  /** What tuples of the relation lead to from the object; not the object, unless they lead back. */
  private under({ object, relation, direct }: Scope): Map<string, 'certain' | 'open'> {
    const tuples = this.space.objects.flatMap((each) => weigh(this.facts, each, relation));
    const reach = (isWay: (guard: (typeof tuples)[number]['guard']) => boolean) => {
      const found = new Set<string>();
      const parents = [object];
      for (const parent of parents) {
        for (const { tuple, guard } of tuples) {
          if (tuple.subject !== parent || !isWay(guard) || found.has(tuple.object)) continue;
          found.add(tuple.object);
          if (!direct) parents.push(tuple.object);
        }
      }
      return found;
    };
    const certain = reach((guard) => guard === true);
    const possible = reach((guard) => guard !== false);
    return new Map([...possible].map((each) => [each, certain.has(each) ? 'certain' : 'open']));
  }

  /** Nothing is listed that was not asked for. */
  private refuseStray<Row extends ListedObject | ListedSubject>(
    request: object,
    rows: Iterable<Row>,
    isAsked: (row: Row, relation: string) => boolean,
  ): void {
    for (const row of rows) {
      const names = [...row.relations, ...row.unanswered.map(({ relation }) => relation)];
      if (names.length > 0 && names.every((name) => isAsked(row, name))) continue;
      throw fault(request, row, 'is listed, and nobody asked for it');
    }
  }
}

/** What holds in the scope: where that is open, only what does not hold anyhow is known. */
function inScope(outcome: Outcome, place: 'certain' | 'open' | undefined): Outcome {
  if (place === undefined) return 'denied';
  return place === 'open' && outcome === 'allowed' ? 'error' : outcome;
}

/** None stands for all. */
function includes(names: readonly string[], name: string): boolean {
  return names.length === 0 || names.includes(name);
}

/** As `subject_types` has it. */
function kindOf(subject: string): string {
  const [named = '', relation] = subject.split('#');
  return relation === undefined ? typeOf(named) : `${typeOf(named)}#${relation}`;
}

function fault(request: object, about: object, what: string): Error {
  return new Error(`${JSON.stringify(about)}: ${what}, in ${JSON.stringify(request)}`);
}
