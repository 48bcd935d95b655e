/**
 * The model by which roles are decided: relations like any other, in a store of the server's own. In
 * the DSL:
 *
 *     type principal
 *     type store
 *       relations
 *         define admin: [principal]
 *         define model: [principal] or admin
 *         define write: [principal] or admin
 *         define read: [principal] or admin
 *         define check: [principal] or read
 *         define see: check or write or model
 *         define read_model: read or model
 *
 * `system` has the same relations, for all stores, and two more: `create: [principal] or admin`, and
 * `bootstrapped: [principal]`, which says that there has been a first admin, and who.
 */
import type { JsonObject } from '../../base/json.ts';

const direct: JsonObject = { this: {} };
const byRole = (relation: string): JsonObject => ({ computedUserset: { relation } });
const anyOf = (...child: JsonObject[]): JsonObject => ({ union: { child } });

const ofStore = {
  admin: direct,
  model: anyOf(direct, byRole('admin')),
  write: anyOf(direct, byRole('admin')),
  read: anyOf(direct, byRole('admin')),
  check: anyOf(direct, byRole('read')),
  see: anyOf(byRole('check'), byRole('write'), byRole('model')),
  read_model: anyOf(byRole('read'), byRole('model')),
};
const ofSystem = {
  ...ofStore,
  create: anyOf(direct, byRole('admin')),
  bootstrapped: direct,
};

/** They can have no tuples. */
const computed = ['see', 'read_model'];

function typeOf(type: string, relations: Readonly<Record<string, JsonObject>>): JsonObject {
  const names = Object.keys(relations).filter((name) => !computed.includes(name));
  const restriction = { directly_related_user_types: [{ type: principalType }] };
  return {
    type,
    relations,
    metadata: { relations: Object.fromEntries(names.map((name) => [name, restriction])) },
  };
}

export const principalType = 'principal';
export const storeType = 'store';
/** The one object that stands for all stores. */
export const system = { type: 'system', id: 'pemba' } as const;

export const systemModel = {
  schema_version: '1.1',
  type_definitions: [
    { type: principalType },
    typeOf(storeType, ofStore),
    typeOf(system.type, ofSystem),
  ],
} as const satisfies JsonObject;

/** Interned with the model. */
export const systemModelNames: readonly string[] = [
  principalType,
  storeType,
  system.type,
  ...Object.keys(ofSystem),
];
