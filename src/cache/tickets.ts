import type { RegionSelection } from '../cluster/region.ts';

/** The right of one load to store its result. */
export interface Ticket {
  readonly key: string;
  /** The local time before the loader was called, in ms. */
  readonly loadStartMs: number;
  /** `false` once an invalidation or a fence has voided it (LOAD-1). */
  mayStore: boolean;
}

/**
 * The tickets of one region's loads in flight. A load that began before an invalidation was applied never
 * stores its result and is never joined by a later reader. Without promises, so that the simulator drives it as it is.
 */
export class Tickets<Held extends Ticket> {
  readonly #protected: boolean;
  /** The loads that may be joined, by key. */
  readonly #joinable = new Map<string, Held>();
  readonly #all = new Set<Held>();

  /** `protects: false` is for the test that shows what the tickets are good for. */
  constructor(options: { readonly protects: boolean }) {
    this.#protected = options.protects;
  }

  get size(): number {
    return this.#all.size;
  }

  all(): Iterable<Held> {
    return this.#all;
  }

  /** The ticket of `key` that a reader might share. */
  joinable(key: string): Held | undefined {
    return this.#joinable.get(key);
  }

  /** A load has begun. One that starts void is a load of a key that a guarded write has under way. */
  take(ticket: Held): void {
    this.#all.add(ticket);
    if (ticket.mayStore) this.#joinable.set(ticket.key, ticket);
  }

  /** The load has ended; `true` if its result may be stored. */
  redeem(ticket: Held): boolean {
    this.#all.delete(ticket);
    const isCurrent = this.#joinable.get(ticket.key) === ticket;
    if (isCurrent) this.#joinable.delete(ticket.key);
    return isCurrent && ticket.mayStore;
  }

  /** Voids the tickets of what is named. */
  void(selection: RegionSelection): void {
    for (const key of selection.keys) this.#voidKey(key);
    // Which tags a value has is known only after its load: until then any tag may be its own (LOAD-2).
    if (selection.tags.length > 0) {
      this.voidAll();
      return;
    }
    for (const prefix of selection.prefixes) {
      for (const key of this.#joinable.keys()) if (key.startsWith(prefix)) this.#voidKey(key);
    }
  }

  voidAll(): void {
    if (!this.#protected) return;
    for (const ticket of this.#all) ticket.mayStore = false;
    this.#joinable.clear();
  }

  #voidKey(key: string): void {
    const ticket = this.#joinable.get(key);
    if (ticket === undefined || !this.#protected) return;
    ticket.mayStore = false;
    this.#joinable.delete(key);
  }
}
