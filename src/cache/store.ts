import { LRUCache } from 'lru-cache';
import type { RegionSelection, RegionTarget, RegionTrust } from '../cluster/region.ts';
import { DropMemory } from './drop-memory.ts';
import { TagIndex } from './tag-index.ts';

/** A value and what is known of it. Times on the local clock, in ms. */
export interface Entry<Value> {
  readonly value: Value;
  /** Before its load began. */
  readonly loadStartMs: number;
  readonly expiresAtMs: number;
  readonly tags: readonly string[];
}

/** The right of one load to store its result. It is void once what it loads was dropped (LOAD-1). */
export interface Ticket {
  readonly key: string;
  readonly loadStartMs: number;
  /** The running number of the last drop when it was issued. */
  readonly drops: number;
  /** A guarded write of the key was under way: its result is not stored. */
  readonly fenced: boolean;
}

/** What a cache does while it cannot prove that it has heard everything (READ-2). */
export type OnUnproven = 'ttl' | 'bypass' | 'stale' | 'flush';

export interface StoreOptions<Value> {
  readonly maxEntries: number;
  readonly maxSize: number | undefined;
  readonly sizeOf: ((value: Value, key: string) => number) | undefined;
  readonly onUnproven: OnUnproven;
  /** How long after a drop nothing that it concerns is stored: replicas may lag (LOAD-3). */
  readonly settleMs: number;
  /** Remember drops for values that were loaded from the source before their load began here (LOAD-4). */
  readonly remembersDrops: boolean;
  readonly keepInvalidated: boolean;
  readonly localMs: () => number;
  /** `false` is for the test that shows what the tickets are good for. */
  readonly ticketsProtect: boolean;
}

/** What the store has dropped, by cause. */
export interface DropCounts {
  invalidated: number;
  flushes: number;
  evicted: number;
}

/**
 * The values of one region on this node, without promises, so that the simulator drives it as it is: what may be served, what a load may store,
 * and what an invalidation drops. Entries and tickets are hit by the same drop.
 */
export class Store<Value> implements RegionTarget {
  readonly #options: StoreOptions<Value>;
  readonly #entries: LRUCache<string, Entry<Value>>;
  readonly #invalidated: LRUCache<string, Entry<Value>> | undefined;
  readonly #tags = new TagIndex();
  readonly #drops = new DropMemory();
  /** Keys that guarded writes have under way: not stored and not served until they end (PUB-7). */
  readonly #quarantined = new Map<number, ReadonlySet<string>>();
  readonly counts: DropCounts = { invalidated: 0, flushes: 0, evicted: 0 };
  #tickets = 0;
  #trust: RegionTrust = { proofMs: Number.NEGATIVE_INFINITY, boundMs: 0 };
  /** The loss of the proof has been answered by a flush already (`onUnproven: 'flush'`). */
  #flushedForLoss = false;

  constructor(options: StoreOptions<Value>) {
    this.#options = options;
    const { maxEntries, maxSize, sizeOf } = options;
    this.#entries = new LRUCache<string, Entry<Value>>({
      max: maxEntries,
      ...(maxSize === undefined ? {} : { maxSize, maxEntrySize: maxSize }),
      ...(sizeOf === undefined
        ? {}
        : { sizeCalculation: (entry, key) => sizeOf(entry.value, key) }),
      dispose: (entry, key, reason) => {
        if (entry.tags.length > 0) this.#tags.remove(key, entry.tags);
        if (reason === 'evict') this.counts.evicted += 1;
      },
      noDisposeOnSet: false,
    });
    this.#invalidated = options.keepInvalidated ? new LRUCache({ max: maxEntries }) : undefined;
  }

  /** What reads may trust; kept current by the node. */
  follow(trust: RegionTrust): void {
    this.#trust = trust;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Distinct tags of the entries. */
  get tagCount(): number {
    return this.#tags.size;
  }

  keys(): Iterable<string> {
    return this.#entries.keys();
  }

  /** The entry of `key`, if it may be served now (READ-1). */
  serveable(key: string): Entry<Value> | undefined {
    if (this.#options.onUnproven === 'flush') this.#flushIfUnproven();
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    const nowMs = this.#options.localMs();
    return nowMs < entry.expiresAtMs && this.#isTrusted(entry.loadStartMs, nowMs)
      ? entry
      : undefined;
  }

  /** The entry of `key` that has outlived its own TTL, and nothing else, for less than `graceMs`. */
  expired(key: string, graceMs: number): Entry<Value> | undefined {
    const entry = this.#entries.peek(key);
    if (entry === undefined) return undefined;
    const nowMs = this.#options.localMs();
    const graced = nowMs - entry.expiresAtMs < graceMs;
    return graced && this.#isTrusted(entry.loadStartMs, nowMs) ? entry : undefined;
  }

  /** The last value of `key` that was dropped by an invalidation, where those are kept. */
  invalidatedEntry(key: string): Entry<Value> | undefined {
    return this.#invalidated?.peek(key) ?? this.#entries.peek(key);
  }

  /** Whether everything published to the region until less than the bound ago is known to be applied. */
  get proven(): boolean {
    return this.#options.localMs() - this.#trust.proofMs < this.#trust.boundMs;
  }

  /** Issued before a load begins. Each is redeemed or returned exactly once. */
  issue(key: string): Ticket {
    this.#tickets += 1;
    return {
      key,
      loadStartMs: this.#options.localMs(),
      drops: this.#drops.count,
      fenced: this.#isQuarantined(key),
    };
  }

  /** Whether a reader that comes now may still share the load of `ticket`: nothing has voided it, and it is young enough. */
  isJoinable(ticket: Ticket): boolean {
    const nowMs = this.#options.localMs();
    if (!this.#options.ticketsProtect) return this.#isTrusted(ticket.loadStartMs, nowMs);
    if (ticket.fenced || this.#drops.lastOfAnyTag.count > ticket.drops) return false;
    if (this.#drops.lastOf(ticket.key).count > ticket.drops) return false;
    return this.#isTrusted(ticket.loadStartMs, nowMs);
  }

  /** Stores what a load brought, unless it was voided meanwhile; says which. */
  redeem(
    ticket: Ticket,
    value: Value,
    tags: readonly string[],
    ttlMs: number,
  ): 'stored' | 'voided' {
    const { key, loadStartMs } = ticket;
    const storable = this.isValid(ticket, tags) && !this.#isSettling(ticket, tags);
    this.return();
    const present = this.#entries.peek(key);
    if (!storable || (present !== undefined && present.loadStartMs > loadStartMs)) return 'voided';
    this.#entries.set(key, { value, loadStartMs, expiresAtMs: loadStartMs + ttlMs, tags });
    // A value that is too large for the cache was not stored, and must not be indexed.
    if (tags.length > 0 && this.#entries.peek(key)?.value === value) this.#tags.add(key, tags);
    this.#invalidated?.delete(key);
    return 'stored';
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

  drop(selection: RegionSelection): void {
    this.#remember(selection);
    for (const key of selection.keys) this.#dropKey(key);
    for (const tag of selection.tags) for (const key of this.#tags.keysOf(tag)) this.#dropKey(key);
    for (const prefix of selection.prefixes) {
      for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#dropKey(key);
    }
  }

  flush(): void {
    this.counts.flushes += 1;
    this.#drops.addEverything(this.#options.localMs());
    if (this.#invalidated !== undefined) {
      for (const [key, entry] of this.#entries.entries()) this.#invalidated.set(key, entry);
    }
    this.#entries.clear();
  }

  quarantine(guard: number, selection: RegionSelection): void {
    this.#quarantined.set(guard, new Set(selection.keys));
    this.drop(selection);
  }

  lift(guard: number): void {
    this.#quarantined.delete(guard);
  }

  #isTrusted(loadStartMs: number, nowMs: number): boolean {
    const { proofMs, boundMs } = this.#trust;
    const provenly = nowMs - proofMs < boundMs;
    switch (this.#options.onUnproven) {
      case 'ttl':
      case 'flush':
        return provenly || nowMs - loadStartMs < boundMs;
      case 'bypass':
        return provenly;
      case 'stale':
        return true;
    }
  }

  /** Once for each time that the proof is lost. */
  #flushIfUnproven(): void {
    if (this.proven) this.#flushedForLoss = false;
    else if (!this.#flushedForLoss) {
      this.#flushedForLoss = true;
      this.flush();
    }
  }

  #dropKey(key: string): void {
    const entry = this.#invalidated === undefined ? undefined : this.#entries.peek(key);
    if (!this.#entries.delete(key)) return;
    this.counts.invalidated += 1;
    if (entry !== undefined) this.#invalidated?.set(key, entry);
  }

  #remember(selection: RegionSelection): void {
    const { settleMs, remembersDrops, localMs } = this.#options;
    // While nothing is loading, one number is memory enough.
    if (this.#tickets === 0 && settleMs === 0 && !remembersDrops) {
      this.#drops.addEverything(Number.NEGATIVE_INFINITY);
    } else {
      this.#drops.add(selection, localMs());
    }
  }

  #isSettling(ticket: Ticket, tags: readonly string[]): boolean {
    const { settleMs } = this.#options;
    return settleMs > 0 && this.droppedSince(ticket.loadStartMs - settleMs, ticket.key, tags);
  }

  #isQuarantined(key: string): boolean {
    for (const keys of this.#quarantined.values()) if (keys.has(key)) return true;
    return false;
  }
}
