/** Which questions an expired tuple stands behind, or one that will expire. */
import { Behind } from './behind.ts';
import type { Circumstance } from './coverage.ts';
import type { PlainModel } from './facts.ts';
import { Oracle } from './oracle.ts';
import { questionSpace } from './questions.ts';
import { keyOf, type Setting, type World } from './world.ts';

/** What stands behind the questions of a setting, those tuples included that have expired. */
export class BehindExpiry {
  private readonly behind: Behind;
  private readonly expires: ReadonlyMap<string, 'before' | 'after'>;

  private constructor(behind: Behind, expires: ReadonlyMap<string, 'before' | 'after'>) {
    this.behind = behind;
    this.expires = expires;
  }

  /** Undefined where nothing expires. */
  static of(world: World, setting: Setting): BehindExpiry | undefined {
    const expires = new Map<string, 'before' | 'after'>();
    for (const entry of world.stored) {
      const again = entry.expires === 'before' && entry.rewritten === true;
      if (entry.expires === undefined || entry.deleted || again) continue;
      expires.set(keyOf(entry.tuple), entry.expires);
    }
    if (expires.size === 0) return undefined;
    const model = world.models[setting.model] as PlainModel;
    const stored = world.stored.filter(({ deleted }) => !deleted).map(({ tuple }) => tuple);
    const { contextual, context } = setting;
    const facts = { model, stored, contextual, context };
    const oracle = new Oracle(facts, questionSpace(world, model).objects);
    return new BehindExpiry(new Behind(oracle), expires);
  }

  circumstances(object: string, relation: string): Circumstance[] {
    const stored = this.behind.tuples(object, relation).filter(({ contextual }) => !contextual);
    const when = new Set(stored.map(({ tuple }) => this.expires.get(keyOf(tuple))));
    return [
      ...(when.has('before') ? ['a tuple has expired' as const] : []),
      ...(when.has('after') ? ['a tuple expires later' as const] : []),
    ];
  }
}
