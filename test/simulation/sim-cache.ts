import { Store, type Ticket } from '../../src/cache/store.ts';
import type { RegionSelection, RegionTarget, RegionTrust } from '../../src/cluster/region.ts';
import type { Plan } from './plan.ts';
import type { Complain } from './violation.ts';

/** A load under way: readers that come meanwhile share it. */
export interface Flight {
  readonly ticket: Ticket;
  /** True times of the reads that joined. */
  readonly joinedAtMs: number[];
  /** An invalidation of its key has come meanwhile, as the simulation sees it. */
  voided: boolean;
}

export interface SimCacheHost {
  readonly name: string;
  readonly region: string;
  readonly plan: Plan;
  readonly ticketsProtect: boolean;
  readonly complain: Complain;
  localMs(): number;
}

/**
 * One region on one node: the production store with the smallest single flight around it that needs no
 * promises. It watches that no load stores what was invalidated while it ran (I2).
 */
export class SimCache implements RegionTarget {
  readonly #host: SimCacheHost;
  readonly #store: Store<number>;
  readonly #flights = new Map<string, Flight>();
  readonly #running = new Set<Flight>();

  constructor(host: SimCacheHost) {
    this.#host = host;
    const { maxEntries, onUnproven, replicaLagMs } = host.plan;
    this.#store = new Store({
      maxEntries,
      maxSize: undefined,
      sizeOf: undefined,
      onUnproven,
      settleMs: replicaLagMs,
      remembersDrops: false,
      keepInvalidated: false,
      ticketsProtect: host.ticketsProtect,
      localMs: () => host.localMs(),
    });
  }

  follow(trust: RegionTrust): void {
    this.#store.follow(trust);
  }

  get proven(): boolean {
    return this.#store.proven;
  }

  get size(): number {
    return this.#store.size;
  }

  /** The version that a read gets now, if it is a hit. */
  serveable(key: string): number | undefined {
    return this.#store.serveable(key)?.value;
  }

  /** A read that misses: it joins a load, or starts one, which is returned. */
  load(key: string, nowMs: number): Flight | undefined {
    const present = this.#flights.get(key);
    if (present !== undefined && this.#store.isJoinable(present.ticket)) {
      if (present.joinedAtMs.length < 32) present.joinedAtMs.push(nowMs);
      return undefined;
    }
    const ticket = this.#store.issue(key);
    const flight = { ticket, joinedAtMs: [], voided: false };
    this.#flights.set(key, flight);
    this.#running.add(flight);
    return flight;
  }

  /** The load has brought `version`. */
  loaded(flight: Flight, version: number): void {
    this.#end(flight);
    const came = this.#store.redeem(flight.ticket, version, [], Number.POSITIVE_INFINITY);
    // Where tickets are switched off, what the readers then get is to tell.
    if (came === 'voided' || !flight.voided || !this.#host.ticketsProtect) return;
    this.#host.complain('I2', `${this.#host.name} stored what was invalidated during its load`);
  }

  /** The load has brought nothing. */
  failed(flight: Flight): void {
    this.#end(flight);
    this.#store.return();
  }

  drop(selection: RegionSelection): void {
    this.#store.drop(selection);
    for (const flight of this.#running) {
      const { key } = flight.ticket;
      const byPrefix = selection.prefixes.some((prefix) => key.startsWith(prefix));
      if (byPrefix || selection.keys.includes(key)) flight.voided = true;
    }
  }

  flush(): void {
    this.#store.flush();
    for (const flight of this.#running) flight.voided = true;
  }

  quarantine(guard: number, selection: RegionSelection): void {
    this.#store.quarantine(guard, selection);
    for (const flight of this.#running)
      if (selection.keys.includes(flight.ticket.key)) flight.voided = true;
  }

  lift(guard: number): void {
    this.#store.lift(guard);
  }

  #end(flight: Flight): void {
    this.#running.delete(flight);
    const { key } = flight.ticket;
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }
}
