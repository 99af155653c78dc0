import { LRUCache } from 'lru-cache';
import type { RegionSelection } from '../cluster/region.ts';
import type { Cause } from '../protocol/effect.ts';
import { CompactMap } from './compact-map.ts';
import { matching } from './prefixes.ts';
import { TagIndex } from './tag-index.ts';

/** A value and what is known of it. Times on the local clock, in ms. */
export interface Entry<Value> {
  readonly value: Value;
  /** Before its load began. */
  readonly loadStartMs: number;
  readonly expiresAtMs: number;
  readonly tags: readonly string[];
  /** What `get` answers with: made once, at the first hit, because making it costs a quarter of a hit. */
  promise?: Promise<Value> | undefined;
}

/**
 * An entry in its place. What every hit reads comes first, and in whole numbers: these stand in the object itself,
 * so that a hit touches one line of memory less.
 */
interface Shelved<Value> extends Entry<Value> {
  /** Until so many ms after the shelf's beginning it has certainly not expired. */
  readonly lives: number;
  /** How many entries had been moved to the front when it was. */
  movedAt: number;
  /** It has been read since it was put, and stands in the index for reading. */
  read: boolean;
  readonly size: number | undefined;
}

/** The largest whole number that V8 keeps in an object on every platform: 12 days in ms. */
const LARGEST_SMALL = 2 ** 30 - 1;

/** Why an entry was dropped: it made room, its proof was lost, the cache was closed, or what the node says. */
export type DropCause = Cause['by'] | 'capacity' | 'unproven' | 'closed';

export interface ShelfOptions {
  readonly maxEntries: number;
  readonly maxSize: number | undefined;
  readonly keepInvalidated: boolean;
  /** Its beginning, in ms of local time. */
  readonly bornMs: number;
}

/** Where entries stand, by key and by tag, within their bounds. What may be served is no concern of it. */
export class Shelf<Value> {
  readonly #bornMs: number;
  readonly #maxEntries: number;
  readonly #maxSize: number | undefined;
  readonly #entries: LRUCache<string, Shelved<Value>>;
  /**
   * Those of them that have been read, for reading alone: most reads then touch nothing else
   * (docs/decisions/0013-reading-one-clock.md), and what nobody reads is dropped with one look-up.
   */
  readonly #read = new CompactMap<string, Shelved<Value>>();
  /** What the last `put` has taken the place of. */
  #replaced: Shelved<Value> | undefined;
  readonly #invalidated: LRUCache<string, Shelved<Value>> | undefined;
  readonly #tags = new TagIndex();
  /** Entries moved to the front so far; see `touch`. */
  #moves = 0;
  readonly #dropped: Record<DropCause, number> = {
    local: 0,
    peer: 0,
    repair: 0,
    foreign: 0,
    loss: 0,
    silence: 0,
    identity: 0,
    capacity: 0,
    unproven: 0,
    closed: 0,
  };

  constructor({ maxEntries, maxSize, keepInvalidated, bornMs }: ShelfOptions) {
    this.#bornMs = bornMs;
    this.#maxEntries = maxEntries;
    this.#maxSize = maxSize;
    const bounds =
      maxSize === undefined
        ? { max: maxEntries }
        : { max: maxEntries, maxSize, maxEntrySize: maxSize };
    this.#entries = new LRUCache<string, Shelved<Value>>({
      ...bounds,
      dispose: (entry, key, reason) => {
        if (reason === 'set') this.#replaced = entry;
        else if (entry.read) this.#read.delete(key);
        if (entry.tags.length > 0) this.#tags.remove(key, entry.tags);
        if (reason === 'evict') this.#dropped.capacity += 1;
      },
    });
    this.#invalidated = keepInvalidated ? new LRUCache(bounds) : undefined;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Distinct tags of the entries. */
  get tagCount(): number {
    return this.#tags.size;
  }

  /** Entries dropped so far, by cause. */
  get dropped(): Readonly<Record<DropCause, number>> {
    return this.#dropped;
  }

  keys(): Iterable<string> {
    return this.#entries.keys();
  }

  /** The entry of `key`, for a reader. */
  get(key: string): Shelved<Value> | undefined {
    return this.#read.get(key) ?? this.#readFirst(key);
  }

  /** The entry of `key`, for whoever does not read it. */
  peek(key: string): Shelved<Value> | undefined {
    return this.#entries.peek(key);
  }

  /** What was dropped of `key` and is kept. */
  getInvalidated(key: string): Entry<Value> | undefined {
    return this.#invalidated?.peek(key);
  }

  /**
   * Moves an entry that was read to the front, if it is no longer in the younger half: each put and each move brings at most one
   * entry before it. So most reads only look, which costs less than moving, and an entry that was read is evicted only after half
   * as many others as the cache holds were put or moved.
   */
  touch(key: string, entry: Shelved<Value>): void {
    const capacity = this.#maxSize === undefined ? this.#maxEntries : this.#entries.size;
    if ((this.#moves - entry.movedAt) * 2 < capacity) return;
    this.#moves += 1;
    entry.movedAt = this.#moves;
    this.#entries.get(key);
  }

  /** Puts an entry in the place of whatever its key has; `false`: it is too large alone, and nothing has that place now. */
  put(key: string, entry: Entry<Value>, size: number | undefined): boolean {
    this.#invalidated?.delete(key);
    if (size !== undefined && size > (this.#maxSize ?? Number.POSITIVE_INFINITY)) {
      this.#entries.delete(key);
      return false;
    }
    const { value, loadStartMs, expiresAtMs, tags } = entry;
    this.#moves += 1;
    const lives = small(expiresAtMs - this.#bornMs);
    const movedAt = this.#moves;
    const shelved = {
      lives,
      movedAt,
      read: false,
      value,
      promise: undefined,
      loadStartMs,
      expiresAtMs,
      tags,
      size,
    };
    // What it replaces is disposed of meanwhile.
    this.#entries.set(key, shelved, sized(size));
    const replaced = this.#replaced;
    this.#replaced = undefined;
    if (replaced?.read === true) this.#index(key, shelved);
    if (tags.length > 0) this.#tags.add(key, tags);
    return true;
  }

  drop({ keys, tags, prefixes }: RegionSelection, cause: DropCause): void {
    for (const key of keys) this.#drop(key, cause);
    for (const tag of tags) for (const key of this.#tags.keysOf(tag)) this.#drop(key, cause);
    if (prefixes.length === 0) return;
    for (const key of matching(this.#entries.keys(), prefixes)) this.#drop(key, cause);
  }

  clear(cause: DropCause): void {
    this.#dropped[cause] += this.#entries.size;
    if (this.#invalidated !== undefined) {
      for (const [key, entry] of this.#entries.entries()) {
        this.#invalidated.set(key, entry, sized(entry.size));
      }
    }
    this.#entries.clear();
  }

  /** Forgets everything, what was invalidated too. */
  close(): void {
    this.clear('closed');
    this.#invalidated?.clear();
  }

  #readFirst(key: string): Shelved<Value> | undefined {
    const entry = this.#entries.peek(key);
    if (entry !== undefined) this.#index(key, entry);
    return entry;
  }

  #index(key: string, entry: Shelved<Value>): void {
    entry.read = true;
    this.#read.set(key, entry);
  }

  #drop(key: string, cause: DropCause): void {
    if (this.#invalidated === undefined) {
      // Nothing is kept of it, so nobody needs to look at it first: a look-up less for each key heard.
      if (this.#entries.delete(key)) this.#dropped[cause] += 1;
      return;
    }
    const entry = this.#entries.peek(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#dropped[cause] += 1;
    this.#invalidated.set(key, entry, sized(entry.size));
  }
}

function sized(size: number | undefined): { size?: number } {
  return size === undefined ? {} : { size };
}

function small(ms: number): number {
  return Math.floor(Math.min(LARGEST_SMALL, Math.max(-LARGEST_SMALL, ms)));
}
