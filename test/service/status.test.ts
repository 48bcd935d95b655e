/** Every code has a status on every protocol, and a bug shows nothing of itself. */
import { describe, expect, test } from 'vitest';
import { AssertionError } from '../../src/base/assert.ts';
import { type ErrorCode, errorCodes, Refusal } from '../../src/base/errors.ts';
import { grpcStatus, httpStatus, toRefusal, wireCode } from '../../src/service/status.ts';

const codes = Object.keys(errorCodes) as ErrorCode[];

/** gRPC's own statuses end at 16; the wire's numbers begin at 1000. */
const grpcOwn = new Map<ErrorCode, number>([
  ['resource_exhausted', 8],
  ['failed_precondition', 9],
  ['aborted', 10],
  ['undefined_endpoint', 12],
  ['unimplemented', 12],
  ['unavailable', 14],
]);

describe('every code', () => {
  test.each(codes)('%s has a status on HTTP and on gRPC', (code) => {
    const refusal = new Refusal(code, 'no');
    const number = errorCodes[code];
    const classes = [
      { below: 2000, statuses: [401, 403] },
      { below: 3500, statuses: [400] },
      { below: 4000, statuses: [422] },
      { below: 5000, statuses: [409, 412, 500] },
      { below: 6000, statuses: [404] },
    ];
    expect(classes.find(({ below }) => number < below)?.statuses).toContain(httpStatus(refusal));
    expect(grpcStatus(refusal)).toBe(grpcOwn.get(code) ?? number);
    expect(wireCode(refusal)).toBe(code === 'aborted' ? 'Aborted' : code);
  });

  test.each(codes)('%s of a malformed request is InvalidArgument on gRPC', (code) => {
    expect(grpcStatus(new Refusal(code, 'no', { malformedRequest: true }))).toBe(3);
  });
});

test.each([
  ['forbidden', 403],
  ['unauthenticated', 401],
  ['authorization_model_not_found', 400],
  ['latest_authorization_model_not_found', 400],
  ['store_id_not_found', 404],
  ['failed_precondition', 412],
  ['aborted', 409],
  ['throttled_timeout_error', 422],
  ['internal_error', 500],
  ['unavailable', 500],
  ['unimplemented', 404],
] as const)('%s is %d on HTTP', (code, status) => {
  expect(httpStatus(new Refusal(code, 'no'))).toBe(status);
});

test('a refusal stays what it is', () => {
  const refusal = new Refusal('invalid_tuple', 'no');
  expect(toRefusal(refusal, 'id')).toBe(refusal);
});

test.each([new AssertionError('secret'), new TypeError('secret'), 'secret', undefined])(
  'a bug (%s) shows the request id and nothing else',
  (bug) => {
    const refusal = toRefusal(bug, 'request-7');
    expect(refusal.code).toBe('internal_error');
    expect(refusal.message).toContain('request-7');
    expect(refusal.message).not.toContain('secret');
    expect(refusal.cause).toBe(bug);
  },
);
