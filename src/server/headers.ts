/** Headers that mean the same in every protocol. */
import { randomUUID } from 'node:crypto';
import { limits } from '../base/limits.ts';

export const consistencyTokenHeader = 'pemba-consistency-token';
/** Of the end user whose rights are asked about; the caller's own is in `authorization`. */
export const subjectTokenHeader = 'pemba-subject-token';
export const truncatedHeader = 'pemba-truncated';
export const requestIdHeader = 'x-request-id';

/** Headers that go out after the answer too: of a stream, they may be known only then. */
export const trailingHeaders = [consistencyTokenHeader, truncatedHeader] as const;

/** Ids from outside go into logs and headers: plain, and short. */
const requestIdPattern = new RegExp(`^[\\w.:/+=@-]{1,${limits.requestIdLengthMax}}$`);

/** The caller's id for the request, or a new one where it sent none that can be used. */
export function requestIdOf(sent: string | undefined): string {
  if (sent !== undefined && sent !== '' && requestIdPattern.test(sent)) return sent;
  return `${ownIds}${(++ids).toString(16).padStart(12, '0')}`;
}

/** Of this thread, then counted: an id is to be found again in a log, not to be kept from anybody. */
const ownIds = randomUUID().slice(0, 24);
let ids = 0;
