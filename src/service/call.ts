/** What a handler knows of the call it answers, and how a transport finds it. No transport in here. */
import type { DescMessage, DescMethod, MessageShape } from '@bufbuild/protobuf';
import type { Principal } from '../authn/authenticator.ts';

/** What the caller brought to say who calls and whose rights it asks about. Nothing of it is believed. */
export interface Credentials {
  /** The `authorization` header; '' for none. Where it came twice, both, which no scheme takes. */
  readonly authorization: string;
  /** The `pemba-subject-token` header; '' for none. Where it came twice, both. */
  readonly subjectToken: string;
  /** Of the connection, without a port; '' in process. */
  readonly address: string;
}

/** Of a call that came from no transport. */
export const noCredentials: Credentials = { authorization: '', subjectToken: '', address: '' };

export interface Call {
  /** Fully qualified method, `openfga.v1.OpenFGAService/Check`. */
  readonly method: string;
  readonly requestId: string;
  /** When to give up, in milliseconds of `Clock.monotonic`. */
  readonly deadline: number;
  /** Aborted when the caller goes away or the deadline passes. Undefined where nobody can. */
  readonly signal: AbortSignal | undefined;
  /** The consistency token that the caller sent; '' for none. */
  readonly consistencyToken: string;
  readonly credentials: Credentials;
  /** Who calls. Undefined until the guard has found out, and where there is none: in process. */
  principal: Principal | undefined;
  /**
   * Headers for the response, by lower-case name. Set before the handler returns, or throws.
   * `pemba-consistency-token` goes out as a trailer on gRPC too.
   */
  readonly responseHeaders: Record<string, string>;
}

/** A unary handler: a plain function from a decoded request and a call to a response. */
export type Unary<I, O> = (request: I, call: Call) => O | Promise<O>;

/** A handler of a server stream. */
export type ServerStream<I, O> = (request: I, call: Call) => AsyncIterable<O>;

/**
 * A method that the transports serve. `handle` checks the request against the field rules, then
 * answers it; it throws a `Refusal`, or anything else for a bug.
 */
export type Method =
  | {
      readonly descriptor: DescMethod;
      readonly kind: 'unary';
      readonly handle: Unary<MessageShape<DescMessage>, MessageShape<DescMessage>>;
    }
  | {
      readonly descriptor: DescMethod;
      readonly kind: 'server_streaming';
      readonly handle: ServerStream<MessageShape<DescMessage>, MessageShape<DescMessage>>;
    };
