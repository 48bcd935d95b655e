/** Questions drawn from a world, most of them about what its tuples name: others have little behind. */
import type { Api } from './apis.ts';
import type { Asked } from './asked.ts';
import { type PlainModel, typeOf } from './facts.ts';
import type { RandomSource } from './random-source.ts';
import type { Setting, World } from './world.ts';

/** No tuple names it. */
export const unseenId = 'unseen';

/** Every object, relation and subject that can be asked about under one model, unseen ones too. */
export function questionSpace(world: World, model: PlainModel) {
  const objects: string[] = [];
  const relations = new Map<string, readonly string[]>();
  const subjects: string[] = [];
  for (const { type, relations: defined = {} } of model.type_definitions) {
    relations.set(type, Object.keys(defined));
    subjects.push(`${type}:*`);
    for (const id of [...world.ids, unseenId]) {
      objects.push(`${type}:${id}`);
      subjects.push(`${type}:${id}`);
      // An unseen userset is asked about once a type: nothing but itself can hold it.
      const usersets = Object.keys(defined).slice(0, id === unseenId ? 1 : undefined);
      for (const relation of usersets) subjects.push(`${type}:${id}#${relation}`);
    }
  }
  return { objects, relations, subjects };
}

/** REQUIRES: `setting` is an index. */
export function someQuestions(
  random: RandomSource,
  world: World,
  setting: number,
  most: number,
): Asked[] {
  const { model: index, contextual } = world.settings[setting] as Setting;
  const model = world.models[index] as PlainModel;
  const { objects, relations, subjects } = questionSpace(world, model);
  const tuples = [...world.stored.map(({ tuple }) => tuple), ...contextual];
  const subjectsNamed = tuples.map(({ subject }) => subject).filter((s) => subjects.includes(s));
  const objectsNamed = tuples.map(({ object }) => object).filter((o) => objects.includes(o));
  const questions: Asked[] = [];
  for (let more = most; more > 0; more--) {
    const isNamed = random.chance(0.8) && objectsNamed.length > 0;
    const object = random.pick(isNamed ? objectsNamed : objects);
    const named = random.chance(0.8) && subjectsNamed.length > 0;
    const subject = random.pick(named ? subjectsNamed : subjects);
    const names = relations.get(typeOf(object)) ?? [];
    if (names.length > 0)
      questions.push({ object, relation: random.pick(names), subject, setting });
  }
  return questions;
}

/** All that one request answers with this question: the whole of a list. */
export function wholeOf(world: World, model: PlainModel, api: Api, question: Asked): Asked[] {
  const { objects, relations, subjects } = questionSpace(world, model);
  const { object, subject } = question;
  const ofRelations = (about: Asked) =>
    (relations.get(typeOf(about.object)) ?? []).map((relation) => ({ ...about, relation }));
  switch (api.lists) {
    case 'objects':
      return objects
        .filter((each) => typeOf(each) === typeOf(object))
        .map((each) => ({ ...question, object: each }));
    case 'allObjects':
      return objects.flatMap((each) => ofRelations({ ...question, object: each }));
    case 'subjects':
      return subjects
        .filter((each) => kindOf(each) === kindOf(subject))
        .map((each) => ({ ...question, subject: each }));
    case 'allSubjects':
      return subjects.flatMap((each) => ofRelations({ ...question, subject: each }));
    case 'relations':
      return ofRelations(question);
    default:
      return [question];
  }
}

function kindOf(subject: string): string {
  return `${typeOf(subject)}#${subject.split('#')[1] ?? ''}`;
}
