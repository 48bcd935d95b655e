/**
 * Asks a SpiceDB, by its own API: over its wire, or embedded. The model and the tuples are translated;
 * a relation of ours is a permission there.
 */
import { v1 } from '@authzed/authzed-node';
import type { JsonObject } from '../../src/base/json.ts';
import { modelFromDsl } from '../../src/model/dsl.ts';
import type { PlainModel } from '../../test/oracle/facts.ts';
import { relationshipOf, schemaOf } from '../../test/referee/schema.ts';
import type { CheckQuestion, TupleText, World } from '../workloads/workload.ts';
import { type Caller, judgeBatch, judgeCheck, listJudge, type Operation } from './caller.ts';

type Client = ReturnType<typeof v1.NewClient>;

export interface SpiceClients {
  readonly permissions: Client;
  readonly schema: Client;
}

/** What one WriteRelationships takes. */
const perWrite = 1_000;
/** Answers may be as old as this, in SpiceDB's default; the load must be older. */
const quantizationMs = 5_000;

const { HAS_PERMISSION, NO_PERMISSION } = v1.CheckPermissionResponse_Permissionship;

export async function loadSpiceDb(clients: SpiceClients, world: World): Promise<PlainModel> {
  const model = (await modelFromDsl(world.model)) as PlainModel;
  const schema = v1.WriteSchemaRequest.create({ schema: schemaOf(model) });
  await clients.schema.promises.writeSchema(schema);
  let batch: TupleText[] = [];
  const flush = async () => {
    if (batch.length > 0) await write(clients, model, batch);
    batch = [];
  };
  for (const tuple of world.tuples()) {
    if (batch.push(tuple) === perWrite) await flush();
  }
  await flush();
  await new Promise((done) => setTimeout(done, quantizationMs * 1.2));
  return model;
}

/** Every question at minimal latency, which is SpiceDB's fastest: an answer may be seconds old. */
export function spiceDbCaller(clients: SpiceClients, model: PlainModel): Caller {
  const { promises } = clients.permissions;
  const consistency = v1.Consistency.create({
    requirement: { oneofKind: 'minimizeLatency', minimizeLatency: true },
  });
  const checked = (question: CheckQuestion) => ({
    resource: objectOf(question.object),
    permission: question.relation,
    subject: subjectOf(question.subject),
    ...contextOf(question.context),
  });
  return {
    prepare(operation: Operation) {
      switch (operation.kind) {
        case 'check': {
          const request = { ...checked(operation.question), consistency };
          const message = v1.CheckPermissionRequest.create(request);
          return async () => {
            const { permissionship } = await promises.checkPermission(message);
            judgeCheck(operation.question, isAllowed(permissionship));
            return undefined;
          };
        }
        case 'batch': {
          const items = operation.questions.map(checked);
          const message = v1.CheckBulkPermissionsRequest.create({ consistency, items });
          return async () => {
            const { pairs } = await promises.checkBulkPermissions(message);
            judgeBatch(operation.questions, (i) => {
              const response = pairs[i]?.response;
              if (response?.oneofKind !== 'item') return undefined;
              return isAllowed(response.item.permissionship);
            });
            return undefined;
          };
        }
        case 'objects': {
          const { type, relation, subject, context, objects } = operation.question;
          const message = v1.LookupResourcesRequest.create({
            ...{ consistency, resourceObjectType: type, permission: relation },
            ...{ subject: subjectOf(subject), ...contextOf(context) },
          });
          const judge = listJudge(operation.question, objects);
          return async () => {
            const found = await promises.lookupResources(message);
            judge(found.map(({ resourceObjectId }) => `${type}:${resourceObjectId}`));
            return undefined;
          };
        }
        case 'users': {
          const { object, relation, kind, context, users } = operation.question;
          const message = v1.LookupSubjectsRequest.create({
            ...{ consistency, resource: objectOf(object), permission: relation },
            ...{ subjectObjectType: kind, ...contextOf(context) },
          });
          const judge = listJudge(operation.question, users);
          return async () => {
            const found = await promises.lookupSubjects(message);
            judge(found.map(({ subject }) => `${kind}:${subject?.subjectObjectId}`));
            return undefined;
          };
        }
        case 'write':
          return async () => {
            await write(clients, model, [operation.tuple()]);
            return undefined;
          };
      }
    },
    close: () => clients.permissions.close(),
  };
}

/** What a call costs that is refused before anything is computed: the way there and back. */
export function refusedCall({ permissions }: SpiceClients): () => Promise<undefined> {
  const request = v1.CheckPermissionRequest.create({ permission: 'x' });
  return async () => {
    const refused = await permissions.promises.checkPermission(request).then(
      () => false,
      () => true,
    );
    if (!refused) throw new Error('SpiceDB answered a check that names nothing');
    return undefined;
  };
}

async function write(
  { permissions }: SpiceClients,
  model: PlainModel,
  tuples: readonly TupleText[],
): Promise<void> {
  const updates = tuples.map((tuple) => {
    const { object, relation, subject, caveat } = relationshipOf(model, tuple);
    const relationship = v1.Relationship.create({
      ...{ resource: objectOf(object), relation, subject: subjectOf(subject) },
      ...(caveat && {
        optionalCaveat: { caveatName: caveat.name, ...contextOf(caveat.context) },
      }),
    });
    return { operation: v1.RelationshipUpdate_Operation.TOUCH, relationship };
  });
  const request = v1.WriteRelationshipsRequest.create({ updates });
  await permissions.promises.writeRelationships(request);
}

function isAllowed(permissionship: number): boolean {
  if (permissionship === HAS_PERMISSION) return true;
  if (permissionship === NO_PERMISSION) return false;
  throw new Error(`SpiceDB answered with permissionship ${permissionship}`);
}

function contextOf(context: JsonObject | undefined) {
  if (context === undefined) return {};
  return { context: v1.PbStruct.fromJsonString(JSON.stringify(context)) };
}

function objectOf(object: string) {
  const [objectType = '', objectId = ''] = object.split(':', 2);
  return { objectType, objectId };
}

function subjectOf(subject: string) {
  const [object = '', optionalRelation = ''] = subject.split('#', 2);
  return { object: objectOf(object), optionalRelation };
}
