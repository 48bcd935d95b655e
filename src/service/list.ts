/**
 * Runs a list. A short one is over within one view, in the same turn of the event loop. One that
 * is not begins again on a snapshot of its own, and is read in slices between which others get
 * their turn. In memory there is no second connection: there a list of any length is one slice.
 */
import { setImmediate } from 'node:timers/promises';
import { Refusal } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Interrupt } from '../engine/steps.ts';
import type { StoreId } from '../model/ids.ts';
import type { Snapshot } from '../storage/datastore.ts';
import type { Call } from './call.ts';
import { type Preference, setToken, viewFor } from './consistency.ts';
import type { Service } from './service.ts';

interface Bounds {
  readonly at: { readonly store: StoreId; readonly preference: Preference };
  readonly resultsMax: number;
  /** A part of it is no answer: when its time is over it is refused, not cut. */
  readonly isWhole?: boolean;
}

export interface Listing<Item> extends Bounds {
  /** The list over a snapshot: what was found since the last time, wherever it may be interrupted. */
  begin(snapshot: Snapshot, interrupt: Interrupt): Iterator<readonly Item[]>;
}

interface Counted {
  readonly count: number;
}

/** The same of what is found many at a time, and becomes parts of an answer while it can be read. */
export interface PartListing<Found extends Counted, Part> extends Bounds {
  begin(snapshot: Snapshot, interrupt: Interrupt): Iterator<Found>;
  /** Of the first so many. */
  part(found: Found, most: number): Part;
}

/** Ends the check of one candidate at the end of the list's time. No caller ever sees it. */
const tookTooLong = new Refusal('deadline_exceeded', 'one candidate of a list took too long');

/** A list that was cut says so here: it is never a silent part of an answer. */
const truncatedHeader = 'pemba-truncated';

/** All items at once: without a promise, where the list is short and the call asks for nothing. */
export function readList<Item>(
  service: Service,
  call: Call,
  listing: Listing<Item>,
): readonly Item[] | Promise<readonly Item[]> {
  const parts = readParts(service, call, inItems(listing));
  return parts instanceof Promise ? parts.then(together) : together(parts);
}

/** The same in parts, in their order. */
export function readParts<Found extends Counted, Part>(
  service: Service,
  call: Call,
  listing: PartListing<Found, Part>,
): readonly Part[] | Promise<readonly Part[]> {
  const reading = new Reading(service, call, listing);
  const whole = reading.first();
  return whole instanceof Promise
    ? whole.then((parts) => parts ?? rest(reading))
    : (whole ?? rest(reading));
}

async function rest<Found extends Counted, Part>(
  reading: Reading<Found, Part>,
): Promise<readonly Part[]> {
  const parts: Part[] = [];
  for await (const slice of reading.slices()) for (const part of slice) parts.push(part);
  return parts;
}

function together<Item>(parts: readonly (readonly Item[])[]): readonly Item[] {
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : parts.flat();
}

interface Items<Item> extends Counted {
  readonly items: readonly Item[];
}

function inItems<Item>(listing: Listing<Item>): PartListing<Items<Item>, readonly Item[]> {
  return {
    ...listing,
    begin(snapshot, interrupt) {
      const list = listing.begin(snapshot, interrupt);
      return {
        next() {
          const next = list.next();
          if (next.done === true) return { done: true, value: undefined };
          return { done: false, value: { items: next.value, count: next.value.length } };
        },
      };
    },
    part: ({ items, count }, most) => (most < count ? items.slice(0, most) : items),
  };
}

/** The items as they are found, where the list is long. */
export async function* streamParts<Found extends Counted, Item>(
  service: Service,
  call: Call,
  listing: PartListing<Found, readonly Item[]>,
): AsyncGenerator<Item, void, void> {
  const reading = new Reading(service, call, listing);
  const turns = new Turns(service);
  const whole = await reading.first();
  for await (const slice of whole === undefined ? reading.slices() : [whole]) {
    for (const part of slice) {
      for (const item of part) {
        yield item;
        // Whoever takes an item may do long work with it before the next.
        if (turns.isOver()) await turns.next();
      }
    }
  }
}

/** Runs work to its end, and lets others have their turn between its parts. */
export async function inTurns<Result>(
  service: Service,
  work: Iterator<unknown, Result>,
): Promise<Result> {
  const turns = new Turns(service);
  for (;;) {
    const next = work.next();
    if (next.done === true) return next.value;
    if (turns.isOver()) await turns.next();
  }
}

/** How long one may go on before it is the turn of others. */
class Turns {
  readonly #service: Service;
  /** Undefined until it is first asked for: then the turn begins. */
  #endAt: number | undefined;

  constructor(service: Service) {
    this.#service = service;
  }

  isOver(): boolean {
    const { clock, lists } = this.#service;
    const now = clock.monotonic();
    this.#endAt ??= now + lists.sliceMs;
    return now >= this.#endAt;
  }

  async next(): Promise<void> {
    await setImmediate();
    this.#endAt = undefined;
  }
}

interface Slice<Part> {
  readonly parts: readonly Part[];
  readonly ended: boolean;
}

class Reading<Found extends Counted, Part> {
  readonly #service: Service;
  readonly #call: Call;
  readonly #listing: PartListing<Found, Part>;
  /** When to answer with what there is, in milliseconds of `Clock.monotonic`. */
  readonly #endAt: number;
  #room: number;

  constructor(service: Service, call: Call, listing: PartListing<Found, Part>) {
    this.#service = service;
    this.#call = call;
    this.#listing = listing;
    const now = service.clock.monotonic();
    const left = call.deadline - now;
    const answerMs = Math.min(limits.listAnswerMs, left / 10);
    this.#endAt = now + Math.min(service.lists.timeoutMs, left - answerMs);
    this.#room = listing.resultsMax;
  }

  /** The whole list, where it is done within one view; else undefined, and nothing has happened. */
  first(): readonly Part[] | undefined | Promise<readonly Part[] | undefined> {
    const canPause = this.#service.datastore.local.canHold;
    return viewFor(this.#service, this.#call, this.#listing.at, (snapshot) => {
      const list = this.#listing.begin(snapshot, this.#interrupt);
      const parts: Part[] = [];
      for (;;) {
        const slice = this.#slice(list);
        parts.push(...slice.parts);
        if (slice.ended || this.#isLate()) return parts;
        if (!canPause) continue;
        this.#room = this.#listing.resultsMax;
        return undefined;
      }
    });
  }

  /** The same list from the start, slice by slice, over a snapshot that is let go in any case. */
  async *slices(): AsyncGenerator<readonly Part[], void, void> {
    const { datastore, clock } = this.#service;
    const { store } = this.#listing.at;
    using held = await datastore.local.hold(store, this.#endAt - clock.monotonic());
    const list = held.view((snapshot) => {
      setToken(this.#call, store, snapshot.revision);
      return this.#listing.begin(snapshot, this.#interrupt);
    });
    for (;;) {
      const slice = held.view(() => this.#slice(list));
      const late = !slice.ended && this.#isLate();
      yield slice.parts;
      if (slice.ended || late) return;
      await setImmediate();
      if (this.#call.signal?.aborted === true) {
        throw new Refusal('cancelled', 'the caller went away before the list was whole');
      }
    }
  }

  /** Until others have their turn, the list ends, or there is no room for what was found. */
  #slice(list: Iterator<Found>): Slice<Part> {
    const { clock, lists } = this.#service;
    const parts: Part[] = [];
    try {
      const pauseAt = clock.monotonic() + lists.sliceMs;
      do {
        const next = list.next();
        if (next.done === true) return { parts, ended: true };
        const { count } = next.value;
        const most = Math.min(count, this.#room);
        if (most > 0) parts.push(this.#listing.part(next.value, most));
        this.#room -= most;
        if (most < count) {
          this.#truncate();
          return { parts, ended: true };
        }
      } while (clock.monotonic() < pauseAt);
      return { parts, ended: false };
    } catch (error) {
      if (error !== tookTooLong) throw error;
      return { parts, ended: true };
    }
  }

  readonly #interrupt = () => {
    if (this.#isLate()) throw tookTooLong;
  };

  #isLate(): boolean {
    if (this.#service.clock.monotonic() < this.#endAt) return false;
    if (this.#listing.isWhole === true) {
      throw new Refusal(
        'deadline_exceeded',
        'the list could not be whole in its time; ask for less, or with a longer deadline',
      );
    }
    this.#truncate();
    return true;
  }

  #truncate(): void {
    this.#call.responseHeaders[truncatedHeader] = 'true';
  }
}
