/**
 * The methods of `openfga.v1` and `pemba.v1` as plain functions. Every method of the descriptors has
 * a handler: a new one in the proto does not compile until it has one here.
 */
import type { DescMethod, DescService, Message } from '@bufbuild/protobuf';
import { monotonicFactory } from 'ulid';
import { BootstrapSecret } from '../authn/bootstrap-secret.ts';
import { AssertionError, assert } from '../base/assert.ts';
import { Refusal } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { OpenFGAService } from '../gen/openfga/v1/openfga_service_pb.ts';
import { AccessService } from '../gen/pemba/v1/access_service_pb.ts';
import { QueryService } from '../gen/pemba/v1/query_service_pb.ts';
import { ServerService } from '../gen/pemba/v1/server_service_pb.ts';
import { TupleService } from '../gen/pemba/v1/tuple_service_pb.ts';
import { noGraphs } from '../storage/graphs.ts';
import { Access } from './access/access.ts';
import { Callers } from './access/caller.ts';
import {
  createBootstrap,
  createGrantRole,
  createListRoles,
  createRevokeRole,
} from './access/role-methods.ts';
import { createReadAssertions, createWriteAssertions } from './assertions.ts';
import { createBatchCheck } from './batch-check.ts';
import type { Call, Method } from './call.ts';
import { createCheck } from './check.ts';
import { createExpand } from './expand.ts';
import { createExplain } from './explain.ts';
import { createFieldChecks, type FieldCheck } from './fields.ts';
import { createReadGraphs } from './graphs.ts';
import { createListObjects, createStreamedListObjects } from './list-objects.ts';
import { createListRelations } from './list-relations.ts';
import { createListUsers } from './list-users.ts';
import { ModelCache } from './model-cache.ts';
import {
  createReadAuthorizationModel,
  createReadAuthorizationModels,
  createWriteAuthorizationModel,
} from './models.ts';
import { createDeleteTuples } from './pemba-delete-tuples.ts';
import { createExportTuples } from './pemba-export-tuples.ts';
import { createImportTuples } from './pemba-import-tuples.ts';
import { createReadTupleChanges, createReadTuples } from './pemba-read-tuples.ts';
import { createWriteTuples } from './pemba-write-tuples.ts';
import { createQueryObjects } from './query-objects.ts';
import { createQuerySubjects } from './query-subjects.ts';
import { createRead, createReadChanges } from './read-tuples.ts';
import type { Service, ServiceContext } from './service.ts';
import {
  createCreateStore,
  createDeleteStore,
  createGetStore,
  createListStores,
} from './stores.ts';
import { SubjectIdentity } from './subject-identity.ts';
import { readModelId } from './wire.ts';
import { createWrite } from './write-tuples.ts';

export function createMethods(context: ServiceContext): readonly Method[] {
  const service = createService(context);
  const checkOf = createFieldChecks(context.clock);
  const methodsOf = (descriptor: DescService, handlers: Readonly<Record<string, unknown>>) =>
    descriptor.methods.map((method) => {
      const handler = handlers[method.localName] as Handler | undefined;
      assert(handler !== undefined, `${method.name} has a handler`);
      return methodOf(method, checkOf(method.input), handler);
    });
  return [
    ...methodsOf(OpenFGAService, createHandlers(service)),
    ...methodsOf(QueryService, createQueryHandlers(service)),
    ...methodsOf(TupleService, createTupleHandlers(service)),
    ...methodsOf(AccessService, createAccessHandlers(service)),
    ...methodsOf(ServerService, createServerHandlers(context)),
  ];
}

/** A handler whose message types the descriptor vouches for. */
type Handler = (request: never, call: Call) => unknown;

function methodOf(descriptor: DescMethod, check: FieldCheck, handler: Handler): Method {
  switch (descriptor.methodKind) {
    case 'unary':
      return {
        descriptor,
        kind: 'unary',
        handle: (request, call) => {
          check(request, call.credentials.subjectToken !== '');
          return handler(request as never, call) as Message;
        },
      };
    case 'server_streaming':
      return {
        descriptor,
        kind: 'server_streaming',
        async *handle(request, call) {
          check(request, call.credentials.subjectToken !== '');
          yield* handler(request as never, call) as AsyncIterable<Message>;
        },
      };
    default:
      throw new AssertionError(`${descriptor.name} takes a stream, which no transport serves`);
  }
}

/** For the guard and the handlers together. */
export function createAccess({ datastore, clock }: Pick<ServiceContext, 'datastore' | 'clock'>) {
  const nextId = monotonicFactory();
  return new Access({ datastore, clock, newId: () => readModelId(nextId(clock.now())) });
}

/** What the handlers share, with the default of every bound that the context leaves open. */
export function createService(context: ServiceContext): Service {
  const nextId = monotonicFactory();
  return {
    datastore: context.datastore,
    clock: context.clock,
    checkDepthMax: context.checkDepthMax ?? limits.checkDepthMax,
    checkStepsMax: context.checkStepsMax ?? limits.checkStepsMax,
    lists: {
      resultsMax: limits.listResultsMax,
      timeoutMs: limits.listTimeoutMs,
      rowsMax: limits.listRowsMax,
      exceptionsMax: limits.listExceptionsMax,
      pageBytesMax: limits.listPageBytesMax,
      keptBytesMax: limits.listsKeptBytesMax,
      sliceSteps: limits.listSliceSteps,
      sliceMs: limits.listSliceMs,
      ...context.lists,
    },
    models: new ModelCache(),
    subjects: context.identity && new SubjectIdentity(context.identity),
    access: context.access?.access ?? createAccess(context),
    callers: context.access?.callers ?? new Callers(() => undefined),
    bootstrapSecret: context.access?.bootstrapSecret ?? new BootstrapSecret(context.clock),
    newId: () => nextId(context.clock.now()),
  };
}

function createHandlers(service: Service) {
  return {
    check: createCheck(service),
    batchCheck: createBatchCheck(service),
    expand: createExpand(service),
    read: createRead(service),
    readChanges: createReadChanges(service),
    write: createWrite(service),
    writeAuthorizationModel: createWriteAuthorizationModel(service),
    readAuthorizationModel: createReadAuthorizationModel(service),
    readAuthorizationModels: createReadAuthorizationModels(service),
    writeAssertions: createWriteAssertions(service),
    readAssertions: createReadAssertions(service),
    createStore: createCreateStore(service),
    updateStore: refuseUnimplemented('UpdateStore'),
    deleteStore: createDeleteStore(service),
    getStore: createGetStore(service),
    listStores: createListStores(service),
    listObjects: createListObjects(service),
    streamedListObjects: createStreamedListObjects(service),
    listUsers: createListUsers(service),
  } satisfies { readonly [name in keyof typeof OpenFGAService.method]: Handler };
}

function createQueryHandlers(service: Service) {
  return {
    listRelations: createListRelations(service),
    explain: createExplain(service),
    listObjects: createQueryObjects(service),
    listSubjects: createQuerySubjects(service),
  } satisfies { readonly [name in keyof typeof QueryService.method]: Handler };
}

function createTupleHandlers(service: Service) {
  return {
    writeTuples: createWriteTuples(service),
    importTuples: createImportTuples(service),
    exportTuples: createExportTuples(service),
    readTuples: createReadTuples(service),
    deleteTuples: createDeleteTuples(service),
    readTupleChanges: createReadTupleChanges(service),
  } satisfies { readonly [name in keyof typeof TupleService.method]: Handler };
}

function createAccessHandlers(service: Service) {
  return {
    grantRole: createGrantRole(service),
    revokeRole: createRevokeRole(service),
    listRoles: createListRoles(service),
    bootstrap: createBootstrap(service),
  } satisfies { readonly [name in keyof typeof AccessService.method]: Handler };
}

function createServerHandlers({ graphs = noGraphs }: ServiceContext) {
  return {
    readGraphs: createReadGraphs(graphs),
  } satisfies { readonly [name in keyof typeof ServerService.method]: Handler };
}

function refuseUnimplemented(method: string): Handler {
  return () => {
    throw new Refusal('unimplemented', `${method} is not implemented by this server`);
  };
}
