/** How an error leaves the service: as a refusal, and what each protocol calls that refusal. */
import { AuthenticationRefusal } from '../authn/refusal.ts';
import { type ErrorCode, errorCodes, Refusal } from '../base/errors.ts';

/**
 * Anything but a refusal is a bug of ours: the caller learns the request id and nothing of what
 * happened below. The transport logs the original under the same id.
 */
export function toRefusal(error: unknown, requestId: string): Refusal {
  if (error instanceof Refusal) return error;
  return new Refusal(
    'internal_error',
    `internal error; report it with the request id \`${requestId}\``,
    { cause: error },
  );
}

/** Codes that HTTP knows by a status of their own; the others follow their class. */
const httpStatuses: { readonly [code in ErrorCode]?: number } = {
  forbidden: 403,
  failed_precondition: 412,
  aborted: 409,
};

/** All input errors are 400, also "not found": the wire's clients tell them apart by the code. */
export function httpStatus(refusal: Refusal): number {
  if (refusal instanceof AuthenticationRefusal) return authenticationStatus(refusal);
  const own = httpStatuses[refusal.code];
  if (own !== undefined) return own;
  const number = errorCodes[refusal.code];
  if (number < 2000) return 401;
  if (number < 3500) return 400;
  if (number < 4000) return 422;
  if (number < 5000) return 500;
  return 404;
}

/** What OpenFGA has no code for has the status that HTTP's clients act on by themselves. */
function authenticationStatus({ reason }: AuthenticationRefusal): number {
  if (reason === 'throttled') return 429;
  return reason === 'keys_unavailable' ? 503 : 401;
}

/**
 * Codes that gRPC has a standard status for, which gRPC clients act on by themselves (retry, back
 * off). The wire sends the others as their raw numbers, outside gRPC's 0 to 16.
 */
const grpcStatuses: { readonly [code in ErrorCode]?: number } = {
  resource_exhausted: 8,
  failed_precondition: 9,
  aborted: 10,
  undefined_endpoint: 12,
  unimplemented: 12,
  unavailable: 14,
};

const grpcInvalidArgument = 3;

export function grpcStatus(refusal: Refusal): number {
  if (refusal.malformedRequest) return grpcInvalidArgument;
  return grpcStatuses[refusal.code] ?? errorCodes[refusal.code];
}

/** The `code` of an HTTP error body. */
export function wireCode(refusal: Refusal): string {
  // The wire's one code that is not named by its enum: gRPC's own name for a conflict.
  return refusal.code === 'aborted' ? 'Aborted' : refusal.code;
}
