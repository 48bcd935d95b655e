/** The messages of a gRPC call as they come in: a flag, four bytes of length, and so many bytes. */

const prefixBytes = 5;

/** Keeps the first message and counts the others, of which a unary call has none. */
export class MessageFrames {
  /** Undefined until it is whole. */
  first: Buffer | undefined;
  /** Of messages that are whole. */
  count: number;
  readonly #bytesMax: number;
  /** The prefix of the message that is coming, as far as it is there. */
  #prefix: Buffer;
  /** What of the first message is there. */
  #parts: Buffer[];
  /** Bytes that the message lacks; undefined before its prefix is whole. */
  #missing: number | undefined;

  constructor(bytesMax: number) {
    this.first = undefined;
    this.count = 0;
    this.#bytesMax = bytesMax;
    this.#prefix = nothing;
    this.#parts = none;
    this.#missing = undefined;
  }

  /** Returns what is wrong with a message that is too large. Nothing is to be taken after that. */
  take(chunk: Buffer): string | undefined {
    // Nearly every call is one message in one piece.
    if (this.count === 0 && this.#prefix === nothing && chunk.length > prefixBytes) {
      const length = chunk.readUInt32BE(1);
      if (length === chunk.length - prefixBytes && length <= this.#bytesMax) {
        this.first = chunk.subarray(prefixBytes);
        this.count = 1;
        return undefined;
      }
    }
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#missing === undefined) {
        const end = prefixBytes - this.#prefix.length;
        this.#prefix = Buffer.concat([this.#prefix, rest.subarray(0, end)]);
        rest = rest.subarray(end);
        if (this.#prefix.length < prefixBytes) return undefined;
        this.#missing = this.#prefix.readUInt32BE(1);
        if (this.#missing > this.#bytesMax) return tooLarge(this.#missing, this.#bytesMax);
      }
      const part = rest.subarray(0, this.#missing);
      rest = rest.subarray(part.length);
      this.#missing -= part.length;
      if (this.count === 0) this.#keep(part);
      if (this.#missing === 0) this.#complete();
    }
    return undefined;
  }

  #keep(part: Buffer): void {
    if (this.#parts === none) this.#parts = [part];
    else this.#parts.push(part);
  }

  #complete(): void {
    this.first ??= Buffer.concat(this.#parts);
    this.count++;
    this.#prefix = nothing;
    this.#parts = none;
    this.#missing = undefined;
  }
}

const nothing = Buffer.alloc(0);
const none: Buffer[] = [];

/** In the library's words. */
function tooLarge(length: number, bytesMax: number): string {
  return `Received message larger than max (${length} vs ${bytesMax})`;
}
