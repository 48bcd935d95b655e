/**
 * The ways in which Pemba answers a question, each an entry of one table: how it is asked, in what
 * company, and what it owes. A new API is one more entry; it gets its column in every table then.
 */
import { askExplain, askRelations } from './ask-pemba.ts';
import {
  askBatch,
  askCheck,
  askExpand,
  askObjects,
  askStream,
  askUsers,
  askWalk,
} from './ask-wire.ts';
import type { Answer, Asked } from './asked.ts';
import { askExactObjects, askExactSubjects } from './exact-lists.ts';
import type { ServedWorld } from './served-world.ts';

export interface Api {
  /** Its column in the tables. */
  readonly name: string;
  /**
   * What one request, or one memory, takes in: questions of one subject under one setting, all under
   * one setting, or 50 under settings of one model.
   */
  readonly takes: 'subject' | 'setting' | 'batch';
  /** Of each group, no more than so many are asked. */
  readonly most?: number;
  /** Whether what was asked before can change an answer. */
  readonly remembers?: true;
  /**
   * `check`: the oracle's outcome. `objects` and `users`: the same, but the wire's tests have it that
   * such a list may fail for a condition that the answer does not hang on. `tree`: the outcome where
   * all conditions are met.
   */
  readonly owes: 'check' | 'objects' | 'users' | 'tree';
  /** What one request answers whole, where it is more than what was asked. */
  readonly lists?: 'objects' | 'allObjects' | 'subjects' | 'allSubjects' | 'relations';
  /** Whether a list has pages: those after the first are of the list that was kept. */
  readonly pages?: true;
  /** Whether it is asked through the service, which keeps models. */
  readonly usesCaches: boolean;
  ask(served: ServedWorld, asked: readonly Asked[]): Promise<readonly Answer[]>;
}

/** `walk` is the engine alone: all questions of a subject by one walk. */
export const apis = {
  walk: {
    name: 'engine',
    takes: 'subject',
    remembers: true,
    owes: 'check',
    usesCaches: false,
    ask: askWalk,
  },
  check: { name: 'Check', takes: 'subject', owes: 'check', usesCaches: true, ask: askCheck },
  batch: {
    name: 'BatchCheck',
    takes: 'batch',
    remembers: true,
    owes: 'check',
    usesCaches: true,
    ask: askBatch,
  },
  objects: {
    name: 'ListObjects',
    takes: 'subject',
    owes: 'objects',
    lists: 'objects',
    usesCaches: true,
    ask: askObjects,
  },
  stream: {
    name: 'Streamed…',
    takes: 'subject',
    owes: 'objects',
    lists: 'objects',
    usesCaches: true,
    ask: askStream,
  },
  users: {
    name: 'ListUsers',
    takes: 'setting',
    owes: 'users',
    lists: 'subjects',
    usesCaches: true,
    ask: askUsers,
  },
  expand: {
    name: 'Expand',
    takes: 'setting',
    owes: 'tree',
    lists: 'subjects',
    usesCaches: true,
    ask: askExpand,
  },
  explain: {
    name: 'Explain',
    takes: 'subject',
    most: 8,
    owes: 'check',
    usesCaches: true,
    ask: askExplain,
  },
  relations: {
    name: 'ListRelations',
    takes: 'subject',
    remembers: true,
    owes: 'check',
    lists: 'relations',
    usesCaches: true,
    ask: askRelations,
  },
  exactObjects: {
    name: 'pemba.Objects',
    takes: 'subject',
    owes: 'check',
    lists: 'allObjects',
    pages: true,
    usesCaches: true,
    ask: askExactObjects,
  },
  exactSubjects: {
    name: 'ListSubjects',
    takes: 'setting',
    owes: 'check',
    lists: 'allSubjects',
    pages: true,
    usesCaches: true,
    ask: askExactSubjects,
  },
} as const satisfies Record<string, Api>;

export type Way = keyof typeof apis;
export const ways = Object.keys(apis) as readonly Way[];

export function apiOf(way: Way): Api {
  return apis[way];
}
