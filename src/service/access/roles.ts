/**
 * What a caller may do: the roles that it can have, and which permission each method of every
 * service asks for. A method that is new in the proto does not compile until it has its row here.
 */
import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { assert } from '../../base/assert.ts';
import { OpenFGAService } from '../../gen/openfga/v1/openfga_service_pb.ts';
import { AccessService } from '../../gen/pemba/v1/access_service_pb.ts';
import { QueryService } from '../../gen/pemba/v1/query_service_pb.ts';
import { ServerService } from '../../gen/pemba/v1/server_service_pb.ts';
import { TupleService } from '../../gen/pemba/v1/tuple_service_pb.ts';

/** On one store, or on all. */
export const storeRoles = ['check', 'read', 'write', 'model', 'admin'] as const;
/** `create` is on no store: whoever has it may create stores, and is the admin of those. */
export const roles = [...storeRoles, 'create'] as const;

export type StoreRole = (typeof storeRoles)[number];
export type Role = (typeof roles)[number];

export function isRole(text: string): text is Role {
  return roles.some((role) => role === text);
}

/** Relations of the model in `system-model.ts`: roles, and what several roles give. */
export type Permission = Role | 'see' | 'read_model';

export type Demand =
  /** The permission on the store that the request names. */
  | { readonly on: 'store'; readonly permission: Exclude<Permission, 'create'> }
  /** The permission on the store that the request names; on all stores where it names none. */
  | { readonly on: 'store_or_all'; readonly permission: Exclude<Permission, 'create'> }
  /** The permission on all stores. */
  | { readonly on: 'all'; readonly permission: Permission }
  /** Whoever is authenticated; the answer holds only what that caller may see. */
  | { readonly on: 'own' }
  /** Nobody whom the server knows, but the secret of a first admin. */
  | { readonly on: 'secret' };

const on = (permission: Exclude<Permission, 'create'>): Demand => ({ on: 'store', permission });
const check = on('check');
const read = on('read');
const write = on('write');
const model = on('model');
const admin = on('admin');
const readModel = on('read_model');
const manage: Demand = { on: 'store_or_all', permission: 'admin' };

type Demands<Service extends { readonly method: object }> = {
  readonly [name in keyof Service['method']]: Demand;
};

const openfga: Demands<typeof OpenFGAService> = {
  check,
  batchCheck: check,
  listObjects: check,
  streamedListObjects: check,
  listUsers: check,
  // They show tuples, not only answers.
  expand: read,
  read,
  readChanges: read,
  write,
  writeAuthorizationModel: model,
  readAuthorizationModel: readModel,
  readAuthorizationModels: readModel,
  writeAssertions: model,
  readAssertions: readModel,
  createStore: { on: 'all', permission: 'create' },
  updateStore: admin,
  deleteStore: admin,
  getStore: on('see'),
  listStores: { on: 'own' },
};

const query: Demands<typeof QueryService> = {
  listRelations: check,
  listObjects: check,
  listSubjects: check,
  explain: read,
};

const tuple: Demands<typeof TupleService> = {
  writeTuples: write,
  importTuples: write,
  exportTuples: read,
  deleteTuples: write,
  readTuples: read,
  readTupleChanges: read,
};

const access: Demands<typeof AccessService> = {
  grantRole: manage,
  revokeRole: manage,
  listRoles: manage,
  bootstrap: { on: 'secret' },
};

const server: Demands<typeof ServerService> = {
  readGraphs: manage,
};

const services: readonly (readonly [DescService, Readonly<Record<string, Demand>>])[] = [
  [OpenFGAService, openfga],
  [QueryService, query],
  [TupleService, tuple],
  [AccessService, access],
  [ServerService, server],
];

/** ENSURES: a demand on a store is made of methods whose requests name one. */
export function demandOf(method: DescMethod): Demand {
  const [, demands] = services.find(([{ typeName }]) => typeName === method.parent.typeName) ?? [];
  const demand = demands?.[method.localName];
  assert(demand !== undefined, `${method.parent.typeName}/${method.name} says whom it is for`);
  const namesStore = method.input.fields.some(({ localName }) => localName === 'storeId');
  assert(namesStore === demand.on.startsWith('store'), `${method.name}: what its demand is on`);
  return demand;
}

/**
 * The method whose scope counts for those of the same demand that the identity file is silent on:
 * what holds for Write holds for WriteTuples too.
 */
export function kinOf(demand: Exclude<Demand, { on: 'secret' }>): string {
  return kin[demand.on === 'own' ? 'own' : demand.permission];
}

const kin: { readonly [permission in Permission | 'own']: string } = {
  check: 'Check',
  read: 'Read',
  write: 'Write',
  model: 'WriteAuthorizationModel',
  read_model: 'ReadAuthorizationModel',
  admin: 'DeleteStore',
  create: 'CreateStore',
  see: 'GetStore',
  own: 'ListStores',
};
