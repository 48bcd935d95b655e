/**
 * Offers the streams of gRPC connections to whoever answers them faster than the library does. The
 * library shows nobody its HTTP/2 server, so its connections are met where Node itself tells of them
 * (`diagnostics_channel`). A connection that is not met is answered by the library alone, just the same.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Http2Session, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';

/** Returns whether it has taken the stream, which the library then never hears of. */
export type TakeStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => boolean;

/** Told of a stream before the listeners of its connection are. */
const channel = 'http2.server.stream.created';

/** Sessions hand out their socket's properties, not the socket: this one says whose it is. */
const owner = Symbol('gRPC server');

export class StreamTap {
  readonly #take: TakeStream;
  readonly #met = new WeakSet<Http2Session>();

  constructor(take: TakeStream) {
    this.#take = take;
    subscribe(channel, this.#meet);
  }

  /** REQUIRES: the library has the socket, or is about to get it. */
  watch(socket: Socket): void {
    Object.assign(socket, { [owner]: this });
  }

  end(): void {
    unsubscribe(channel, this.#meet);
  }

  readonly #meet = (message: unknown): void => {
    const session = sessionOf(message);
    if (session === undefined || this.#met.has(session)) return;
    this.#met.add(session);
    if (Reflect.get(session.socket, owner) !== this) return;
    const listeners = session.listeners('stream');
    const [library] = listeners;
    // One listener hands the streams on to the library. Anything else is no arrangement that we know.
    if (library === undefined || listeners.length > 1) return;
    session.removeAllListeners('stream');
    const take = this.#take;
    session.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, ...rest) => {
      if (!take(stream, headers)) Reflect.apply(library, session, [stream, headers, ...rest]);
    });
  };
}

/** Node documents what the channel tells; its types do not. */
function sessionOf(message: unknown): Http2Session | undefined {
  const { stream } = message as { readonly stream: ServerHttp2Stream };
  return stream.session;
}
