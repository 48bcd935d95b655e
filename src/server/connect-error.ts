/**
 * Refusals in the protocols that know gRPC's sixteen codes and no more: the code nearest in
 * meaning, and the refusal's own name in a header beside it.
 */
import { Code, ConnectError } from '@connectrpc/connect';
import { type ErrorCode, errorCodes, type Refusal } from '../base/errors.ts';
import { wireCode } from '../service/status.ts';

/** Carries the wire's name of the error, `type_not_found`. */
export const errorCodeHeader = 'pemba-error-code';

/** Where a code says more than its class does. */
const nearest: { readonly [code in ErrorCode]?: Code } = {
  forbidden: Code.PermissionDenied,
  cancelled: Code.Canceled,
  deadline_exceeded: Code.DeadlineExceeded,
  already_exists: Code.AlreadyExists,
  resource_exhausted: Code.ResourceExhausted,
  failed_precondition: Code.FailedPrecondition,
  aborted: Code.Aborted,
  out_of_range: Code.OutOfRange,
  unavailable: Code.Unavailable,
  data_loss: Code.DataLoss,
  undefined_endpoint: Code.Unimplemented,
  unimplemented: Code.Unimplemented,
};

export function connectCode(refusal: Refusal): Code {
  return nearest[refusal.code] ?? classCode(refusal);
}

/** The gRPC code of the refusal's class: all that the wire's REST streams tell. */
export function classCode({ code }: Refusal): Code {
  if (code === 'aborted') return Code.Aborted;
  const number = errorCodes[code];
  if (number < 2000) return Code.Unauthenticated;
  if (number < 3500) return Code.InvalidArgument;
  if (number < 4000) return Code.ResourceExhausted;
  if (number < 5000) return Code.Internal;
  return Code.NotFound;
}

export function toConnectError(
  refusal: Refusal,
  headers: { readonly [name: string]: string },
): ConnectError {
  return new ConnectError(refusal.message.toWellFormed(), connectCode(refusal), {
    ...headers,
    [errorCodeHeader]: wireCode(refusal),
  });
}
