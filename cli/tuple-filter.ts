/** The options that say which tuples are meant: shared by `tuple read` and `tuple delete`. */
import type { Command } from 'commander';
import { Failure } from './exit-codes.ts';
import type { TupleFilter } from './tuple-client.ts';

export interface FilterFlags {
  readonly subject?: string;
  readonly subjectType?: string;
  readonly user?: string;
  readonly relation?: string;
  readonly object?: string;
  readonly objectType?: string;
}

export function addFilterOptions(command: Command): Command {
  return command
    .option('--object <object>', 'only tuples of this object, or type, as `document:`')
    .option('--object-type <type>', 'only tuples of objects of this type')
    .option('--relation <relation>', 'only tuples of this relation')
    .option('--subject <subject>', 'only tuples of exactly this subject')
    .option('--subject-type <type>', 'only tuples of subjects of this type')
    .option('--user <subject>', 'another name of --subject');
}

/** Undefined where nothing is asked for. */
export function filterOf(flags: FilterFlags): TupleFilter | undefined {
  const { relation, subjectType } = flags;
  for (const [name, value] of Object.entries(namedOf(flags))) {
    // A variable of a script that was not set: it must not widen the filter.
    if (value === '' || value === ':') throw new Failure('usage', `${name} is empty`);
  }
  const ofType = flags.object?.endsWith(':') === true;
  refuseBoth('--object', flags.object, '--object-type', flags.objectType);
  refuseBoth('--subject', flags.subject, '--user', flags.user);
  const object = ofType ? undefined : flags.object;
  const objectType = ofType ? flags.object?.slice(0, -1) : flags.objectType;
  const subject = flags.subject ?? flags.user;
  refuseBoth('--subject', subject, '--subject-type', subjectType);
  const filter: TupleFilter = {
    ...(object === undefined ? {} : { object }),
    ...(objectType === undefined ? {} : { objectType }),
    ...(relation === undefined ? {} : { relation }),
    ...(subject === undefined ? {} : { subject }),
    ...(subjectType === undefined ? {} : { subjectType }),
  };
  return Object.keys(filter).length === 0 ? undefined : filter;
}

function namedOf(flags: FilterFlags): Readonly<Record<string, string | undefined>> {
  return {
    '--object': flags.object,
    '--object-type': flags.objectType,
    '--relation': flags.relation,
    '--subject': flags.subject,
    '--subject-type': flags.subjectType,
    '--user': flags.user,
  };
}

/** The filter in words, as the options have it. */
export function describeFilter(filter: TupleFilter): string {
  const parts: readonly (readonly [string, string | undefined])[] = [
    ['object', filter.object],
    ['object type', filter.objectType],
    ['relation', filter.relation],
    ['subject', filter.subject],
    ['subject type', filter.subjectType],
  ];
  return parts
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

function refuseBoth(
  firstName: string,
  first: string | undefined,
  secondName: string,
  second: string | undefined,
): void {
  if (first === undefined || second === undefined) return;
  throw new Failure('usage', `give ${firstName} or ${secondName}, not both`);
}
