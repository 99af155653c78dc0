import type { RegionSelection, RegionTarget, RegionTrust } from '../cluster/region.ts';
import type { Cause } from '../protocol/effect.ts';
import { DropMemory } from './drop-memory.ts';
import { Quarantine } from './quarantine.ts';
import { ReadRule, type OnUnproven } from './read-rule.ts';
import { Shelf, type DropCause, type Entry } from './shelf.ts';

/** The right of one load to store its result. It is void once what it loads was dropped (LOAD-1). */
export interface Ticket {
  readonly key: string;
  readonly loadStartMs: number;
  /** The running number of the last drop when it was issued. */
  readonly drops: number;
  /** A guarded write of the key was under way: its result is not stored. */
  readonly fenced: boolean;
}

export interface StoreOptions<Value> {
  readonly maxEntries: number;
  readonly maxSize: number | undefined;
  /** Whole numbers from 1, or `Infinity` for what is too large. May throw: then the value is not stored. */
  readonly sizeOf: ((value: Value, key: string) => number) | undefined;
  readonly onUnproven: OnUnproven;
  /** No value is served longer than this, not even when a load fails. */
  readonly maxTtlMs?: number;
  /** How long after a drop nothing that it concerns is stored: replicas may lag (LOAD-3). */
  readonly settleMs: number;
  /** Remember drops for values that were loaded from the source before their load began here (LOAD-4). */
  readonly remembersDrops: boolean;
  readonly keepInvalidated: boolean;
  readonly localMs: () => number;
  /** `false` is for the test that shows what the tickets are good for. */
  readonly ticketsProtect: boolean;
}

/** What speaks against a value: nothing, its own TTL, that it may have been invalidated unheard, or that it was. */
export type EntryState = 'current' | 'expired' | 'unproven' | 'invalidated';

const LOCAL: Cause = { by: 'local' };

/**
 * The values of one region on this node, without promises, so that the simulator drives it as it is: what may be served, what a load may store,
 * and what an invalidation drops. Entries and tickets are hit by the same drop.
 */
export class Store<Value> implements RegionTarget {
  readonly #options: StoreOptions<Value>;
  readonly #localMs: () => number;
  readonly #bornMs: number;
  readonly #shelf: Shelf<Value>;
  readonly #drops = new DropMemory();
  readonly #quarantine = new Quarantine();
  readonly #rule: ReadRule;
  readonly #flushesWhenUnproven: boolean;
  #flushedAtMs: number = Number.NEGATIVE_INFINITY;
  #tickets = 0;
  #flushes = 0;

  constructor(options: StoreOptions<Value>) {
    this.#options = options;
    this.#localMs = options.localMs;
    this.#bornMs = this.#localMs();
    this.#shelf = new Shelf({ ...options, bornMs: this.#bornMs });
    this.#rule = new ReadRule(options.onUnproven);
    this.#flushesWhenUnproven = options.onUnproven === 'flush';
    // What was dropped before this cache began is not known: of what was loaded before, nothing can be said (LOAD-4).
    if (options.remembersDrops) this.#drops.addEverything(this.#bornMs);
  }

  /** What reads may trust; kept current by the node. */
  follow(trust: RegionTrust): void {
    this.#rule.follow(trust);
  }

  get size(): number {
    return this.#shelf.size;
  }

  /** Distinct tags of the entries. */
  get tagCount(): number {
    return this.#shelf.tagCount;
  }

  /** Names of drops that are remembered for the sake of loads under way. */
  get rememberedDrops(): number {
    return this.#drops.size;
  }

  /** Tickets that were neither redeemed nor returned yet. */
  get ticketCount(): number {
    return this.#tickets;
  }

  /** Entries dropped so far, by cause. */
  get dropped(): Readonly<Record<DropCause, number>> {
    return this.#shelf.dropped;
  }

  /** How often everything was dropped. */
  get flushes(): number {
    return this.#flushes;
  }

  keys(): Iterable<string> {
    return this.#shelf.keys();
  }

  /** The entry of `key`, if it may be served now (READ-1). */
  serveable(key: string): Entry<Value> | undefined {
    if (this.#flushesWhenUnproven) this.#flushIfUnproven();
    const entry = this.#shelf.get(key);
    if (entry === undefined) return undefined;
    // The clock is read at every read, because a turn of the event loop can be long; and once, because that costs most of a hit.
    const nowMs = this.#localMs();
    const lives = nowMs - this.#bornMs < entry.lives || nowMs < entry.expiresAtMs;
    // Where all is proven the age of the entry does not matter, and is not looked at.
    const trusted = this.#rule.isProven(nowMs) || this.#rule.serves(entry.loadStartMs, nowMs);
    if (!lives || !trusted) return undefined;
    this.#shelf.touch(key, entry);
    return entry;
  }

  /** Whether `entry` is about to be served no more: its TTL ends within `aheadMs`, or what is proven of it does soon. */
  nearsEnd(entry: Entry<Value>, aheadMs: number, nowMs: number): boolean {
    return (
      entry.expiresAtMs - nowMs < aheadMs || this.#rule.nearsEnd(entry.loadStartMs, aheadMs, nowMs)
    );
  }

  /** The entry of `key` that has outlived its own TTL, and nothing else, for less than `graceMs`. */
  expired(key: string, graceMs: number): Entry<Value> | undefined {
    const entry = this.#shelf.peek(key);
    if (entry === undefined) return undefined;
    const nowMs = this.#localMs();
    const graced = nowMs - entry.expiresAtMs < graceMs && !this.#isOverAge(entry, nowMs);
    return graced && this.#rule.serves(entry.loadStartMs, nowMs) ? entry : undefined;
  }

  /** The last value of `key`, whatever speaks against it, and what does. Invalidated ones are here only if they are kept. */
  lastKnown(key: string): { readonly entry: Entry<Value>; readonly state: EntryState } | undefined {
    const nowMs = this.#localMs();
    const present = this.#shelf.peek(key);
    const entry = present ?? this.#shelf.getInvalidated(key);
    if (entry === undefined || this.#isOverAge(entry, nowMs)) return undefined;
    if (present === undefined) return { entry, state: 'invalidated' };
    if (!this.#rule.serves(entry.loadStartMs, nowMs)) return { entry, state: 'unproven' };
    return { entry, state: nowMs < entry.expiresAtMs ? 'current' : 'expired' };
  }

  /** Whether everything published to the region until less than the bound ago is known to be applied. */
  get proven(): boolean {
    return this.#rule.isProven(this.#localMs());
  }

  /** Issued before a load begins. Each is redeemed or returned exactly once. */
  issue(key: string): Ticket {
    this.#tickets += 1;
    return {
      key,
      loadStartMs: this.#localMs(),
      drops: this.#drops.count,
      fenced: this.#quarantine.has(key),
    };
  }

  /** Whether a reader that comes now may still share the load of `ticket`: nothing has voided it, and it is young enough. */
  isJoinable(ticket: Ticket): boolean {
    const { key, loadStartMs, drops, fenced } = ticket;
    const nowMs = this.#localMs();
    if (!this.#rule.shares(loadStartMs, nowMs)) return false;
    if (!this.#options.ticketsProtect) return true;
    if (fenced || this.#drops.lastOfAnyTag.count > drops) return false;
    if (this.#drops.lastOf(key).count > drops) return false;
    // A load that began while replicas lagged may bring what is old: once they have settled a new one is better.
    return !this.#isSettling(loadStartMs, key, []) || this.#isSettling(nowMs, key, []);
  }

  /** Whether a guarded write of `key` is under way here. */
  isQuarantined(key: string): boolean {
    return this.#quarantine.has(key);
  }

  /** Stores what a load brought, unless it was voided meanwhile; says what became of it. */
  redeem(
    ticket: Ticket,
    value: Value,
    tags: readonly string[],
    ttlMs: number,
  ): 'stored' | 'voided' | 'too-large' {
    const { key, loadStartMs } = ticket;
    this.return();
    // First what is not ours: it could drop things itself.
    const size = this.#options.sizeOf?.(value, key);
    if (!this.isValid(ticket, tags) || this.#isSettling(loadStartMs, key, tags)) return 'voided';
    const present = this.#shelf.peek(key);
    if (present !== undefined && present.loadStartMs > loadStartMs) return 'voided';
    const entry = { value, loadStartMs, expiresAtMs: loadStartMs + ttlMs, tags };
    return this.#shelf.put(key, entry, size) ? 'stored' : 'too-large';
  }

  /** Gives a ticket back: its load brought nothing. */
  return(): void {
    this.#tickets -= 1;
  }

  /** Whether nothing that concerns the ticket's key or `tags` was dropped since it was issued. */
  isValid(ticket: Ticket, tags: readonly string[]): boolean {
    if (!this.#options.ticketsProtect) return true;
    const { key, drops, fenced } = ticket;
    return (
      !fenced &&
      this.#drops.lastOf(key).count <= drops &&
      this.#drops.lastOfTags(tags).count <= drops
    );
  }

  /** Whether anything that concerns `key` or `tags` was dropped at or after `sinceMs`, as far as is remembered. */
  droppedSince(sinceMs: number, key: string, tags: readonly string[]): boolean {
    return this.#drops.lastOf(key).atMs >= sinceMs || this.#drops.lastOfTags(tags).atMs >= sinceMs;
  }

  /**
   * Whether a value that somebody else read from the source at `readAtMs` must not be given to anybody: it is from before
   * a drop, or it is neither young nor proven, as if it had been cached here since (LOAD-4).
   */
  isLaundered(readAtMs: number, key: string, tags: readonly string[]): boolean {
    if (this.droppedSince(readAtMs, key, tags)) return true;
    const nowMs = this.#localMs();
    // No proof speaks of what a write of this node is changing.
    return this.#quarantine.has(key)
      ? !this.#rule.isYoung(readAtMs, nowMs)
      : !this.#rule.shares(readAtMs, nowMs);
  }

  drop(selection: RegionSelection, cause: Cause = LOCAL): void {
    this.#remember(selection);
    this.#shelf.drop(selection, cause.by);
  }

  flush(cause: Cause = LOCAL): void {
    this.#flush(cause.by);
  }

  quarantine(guard: number, selection: RegionSelection): void {
    this.#quarantine.add(guard, selection);
    this.drop(selection);
  }

  /** For a guarded write of this node that will say only at its end what it has changed. */
  hold(guard: number): void {
    this.#rule.hold(guard, this.#localMs());
  }

  lift(guard: number): void {
    this.#quarantine.lift(guard);
    this.#rule.lift(guard);
  }

  /** Forgets everything, what was invalidated too. */
  close(): void {
    this.#drops.addEverything(this.#localMs());
    this.#shelf.close();
  }

  #isOverAge(entry: Entry<Value>, nowMs: number): boolean {
    return nowMs - entry.loadStartMs >= (this.#options.maxTtlMs ?? Number.POSITIVE_INFINITY);
  }

  /** Once for each time that the proof is lost: it is lost anew if it has reached past the last flush meanwhile. */
  #flushIfUnproven(): void {
    const nowMs = this.#localMs();
    if (this.#rule.isProven(nowMs)) return;
    const isFirst = this.#flushedAtMs === Number.NEGATIVE_INFINITY;
    if (!isFirst && this.#rule.provenUntilMs + this.#rule.boundMs <= this.#flushedAtMs) return;
    this.#flushedAtMs = nowMs;
    this.#flush('unproven');
  }

  #flush(cause: DropCause): void {
    this.#flushes += 1;
    this.#drops.addEverything(this.#localMs());
    this.#shelf.clear(cause);
  }

  #remember(selection: RegionSelection): void {
    const { settleMs, remembersDrops } = this.#options;
    // While nothing is loading, one number is memory enough.
    if (this.#tickets === 0 && settleMs === 0 && !remembersDrops) {
      this.#drops.addEverything(Number.NEGATIVE_INFINITY);
    } else {
      this.#drops.add(selection, this.#localMs());
    }
  }

  /** Whether what was loaded at `atMs` may be what replicas still had from before a drop. */
  #isSettling(atMs: number, key: string, tags: readonly string[]): boolean {
    const { settleMs } = this.#options;
    return settleMs > 0 && this.droppedSince(atMs - settleMs, key, tags);
  }
}
