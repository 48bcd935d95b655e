/** A bug that is planted into a copy of the source, as one change of one text. */
export interface Mutant {
  readonly name: string;
  readonly recreates: string;
  /** What the mutant gets wrong. */
  readonly what: string;
  readonly file: string;
  /** INVARIANT: occurs exactly once in the file. */
  readonly text: string;
  readonly replacement: string;
}
