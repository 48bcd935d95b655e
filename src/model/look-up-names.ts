/**
 * Types and relations of a model by their names. Every check looks up three, and most checks in a row
 * the same: to compare a name with the one that was found last costs half of what a Map does.
 */
import type { CompiledModel, CompiledRelation } from './compiled.ts';
import type { Model } from './model.ts';

interface Names {
  /** REQUIRES: the model has the type. */
  symbol(type: string): number;
  /** -1 where there is none. */
  index(type: string, relation: string): number;
}

interface Type {
  readonly name: string;
  readonly symbol: number;
}

/** So many places for what was found lately; a power of two. */
const places = 16;

export function lookUpNames(
  model: Model,
  names: Names,
  relations: readonly CompiledRelation[],
): Pick<CompiledModel, 'typeSymbol' | 'relationIndex'> {
  const types = new Map<string, Type>();
  for (const name of model.types.keys()) types.set(name, { name, symbol: names.symbol(name) });
  const typesLately = new Array<Type | undefined>(places).fill(undefined);
  const relationsLately = new Array<CompiledRelation | undefined>(places).fill(undefined);
  return {
    typeSymbol(type) {
      const place = type.length & (places - 1);
      const known = typesLately[place];
      if (known?.name === type) return known.symbol;
      const found = types.get(type);
      if (found === undefined) return 0;
      typesLately[place] = found;
      return found.symbol;
    },
    relationIndex(type, relation) {
      const place = (type.length ^ (relation.length << 1)) & (places - 1);
      const known = relationsLately[place];
      if (known?.name === relation && known.typeName === type) return known.index;
      const index = names.index(type, relation);
      // What is kept is the model's own texts: not a request's, which may keep all of it in memory.
      if (index !== -1) relationsLately[place] = relations[index];
      return index;
    },
  };
}
