/**
 * The identity file of a running server: read again when it may have changed. A file that cannot
 * be used changes nothing but the fault, which health and log tell of.
 */
import { Refusal } from '../../base/errors.ts';
import { Identity } from './identity.ts';

export type Reload = 'unchanged' | 'replaced' | 'kept';

export class IdentitySource {
  readonly #read: () => Promise<string>;
  #text: string;
  #identity: Identity;
  #generation = 1;
  #fault: string | undefined;
  /** One reload at a time, so that an older text never replaces a newer one. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(read: () => Promise<string>, text: string) {
    this.#read = read;
    this.#text = text;
    this.#identity = new Identity(text);
  }

  /** Rejects where the text cannot be read or used: there is no older one to keep. */
  static async open(read: () => Promise<string>): Promise<IdentitySource> {
    return new IdentitySource(read, await read());
  }

  get identity(): Identity {
    return this.#identity;
  }

  /** Grows with each replacement: what was remembered of another generation is void. */
  get generation(): number {
    return this.#generation;
  }

  /** Why the newest text is not in use; undefined if it is. */
  get fault(): string | undefined {
    return this.#fault;
  }

  reload(): Promise<Reload> {
    const reload = this.#last.then(() => this.#reload());
    this.#last = reload.catch(() => undefined);
    return reload;
  }

  async #reload(): Promise<Reload> {
    let text: string;
    try {
      text = await this.#read();
    } catch (error) {
      return this.#keep(`the identity file cannot be read: ${reasonOf(error)}`);
    }
    if (text === this.#text) {
      this.#fault = undefined;
      return 'unchanged';
    }
    try {
      this.#identity = new Identity(text);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return this.#keep(error.message);
    }
    this.#text = text;
    this.#generation++;
    this.#fault = undefined;
    return 'replaced';
  }

  #keep(fault: string): Reload {
    this.#fault = fault;
    return 'kept';
  }
}

/** The name of a system error says enough (ENOENT, EACCES). */
function reasonOf(error: unknown): string {
  if (error instanceof Error && 'code' in error) return String(error.code);
  return 'it failed';
}
