/** Thrown where a store does not fit into the integers, or the memory, of a resident graph. */
export class TooLarge extends Error {
  constructor(what: string) {
    super(`too many ${what} for a resident graph`);
  }
}
