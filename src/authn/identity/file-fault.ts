/** What is wrong with an identity file: every fault with its place and its line. */
import { Refusal } from '../../base/errors.ts';

export interface FileFault {
  /** As `maps.default.tuples[1].object.id`; '' for the file as a whole. */
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

/** Keys and indexes that lead from the root of the file to a value. */
export type FilePath = readonly (string | number)[];

export class IdentityFileError extends Refusal {
  override name = 'IdentityFileError';
  readonly faults: readonly FileFault[];

  /** REQUIRES: there is a fault. */
  constructor(faults: readonly FileFault[]) {
    const lines = faults.map(formatFault);
    super('validation_error', `the identity file cannot be used\n${lines.join('\n')}`);
    this.faults = faults;
  }
}

export function formatFault({ path, line, message }: FileFault): string {
  return `line ${line}: ${path === '' ? '' : `${path}: `}${message}`;
}

export function formatPath(path: FilePath): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? key : `${text}.${key}`;
  }, '');
}
