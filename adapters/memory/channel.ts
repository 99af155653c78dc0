import type { ForeignMessage, Frame } from '../../src/index.ts';

/** What a channel has accepted: it is numbered, and every line hears it in this order. */
export interface Entry {
  readonly number: number;
  /** The name of the bus, or the sender of a foreign message. */
  readonly from: string;
  readonly content: Content;
}

export type Content =
  | { readonly type: 'frame'; readonly frame: Frame }
  | { readonly type: 'foreign'; readonly message: ForeignMessage };

/** What a bus has not heard when its line dies: everything after `last`, and what was on its way. */
export interface Place {
  readonly last: number;
  readonly onTheWay: ReadonlySet<number>;
}

export interface Listener {
  deliver(entry: Entry): void;
}

export class Channel {
  readonly name: string;
  readonly #listeners = new Set<Listener>();
  /** The newest entries, for those that resume; empty unless somebody may. */
  #log: Entry[] = [];
  #keep = 0;
  #last = 0;
  readonly #accepted: Entry[] = [];
  #delivering = false;

  constructor(name: string) {
    this.name = name;
  }

  get last(): number {
    return this.#last;
  }

  /** Keeps at least the newest `entries` from here on. */
  keep(entries: number): void {
    this.#keep = Math.max(this.#keep, entries);
  }

  join(listener: Listener): void {
    this.#listeners.add(listener);
  }

  leave(listener: Listener): void {
    this.#listeners.delete(listener);
  }

  accept(from: string, content: (number: number) => Content): void {
    this.#last += 1;
    const entry = { number: this.#last, from, content: content(this.#last) };
    this.#remember(entry);
    this.#accepted.push(entry);
    this.#deliver();
  }

  /** What the holder of `place` has missed, or `undefined` where that is no longer known. */
  since(place: Place): readonly Entry[] | undefined {
    const missed = this.#log.filter(
      ({ number }) => number > place.last || place.onTheWay.has(number),
    );
    const complete = missed.length === this.#last - place.last + place.onTheWay.size;
    return complete ? missed : undefined;
  }

  #remember(entry: Entry): void {
    if (this.#keep === 0) return;
    this.#log.push(entry);
    // Trimmed in one go now and then, so that a full log does not cost a copy per entry.
    if (this.#log.length >= 2 * this.#keep) this.#log = this.#log.slice(-this.#keep);
  }

  /** What a listener publishes while it is being told waits its turn, so that all hear one order. */
  #deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    try {
      for (let entry = this.#accepted.shift(); entry; entry = this.#accepted.shift()) {
        for (const listener of Array.from(this.#listeners)) listener.deliver(entry);
      }
    } finally {
      this.#delivering = false;
    }
  }
}
