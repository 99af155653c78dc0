import type { CallResult } from '../protocol/effect.ts';
import type { OnUnproven } from './read-rule.ts';
import type { EntryState } from './store.ts';

/** What a loader is told. */
export interface LoadContext {
  /** Aborted when nobody waits any more, at the load timeout, and when the cluster is closed. */
  readonly signal: AbortSignal;
  /**
   * A shared second level (Redis, say) must be passed over: what it had was read before an invalidation
   * that has been applied here since, or longer ago than is proven. Read the system of record.
   */
  readonly fresh: boolean;
  /**
   * Says that the value was read from the system of record `ageMs` ago, by whoever put it into a shared
   * second level; in `loadMany`, the value of `key`, or of all keys. Needs `sharedLevel`. Without it the
   * second level would launder old values (docs/cache.md, LOAD-4).
   */
  readonly setAge: (ageMs: number, key?: string) => void;
}

/** Reads the system of record. */
export type Loader<Value> = (key: string, context: LoadContext) => Value | Promise<Value>;

/** Reads many keys at once. A key that is missing from the result counts as `undefined`. */
export type BulkLoader<Value> = (
  keys: readonly string[],
  context: LoadContext,
) => ReadonlyMap<string, Value> | Promise<ReadonlyMap<string, Value>>;

/** One region on this node. Times in ms, and counted from the start of the load. */
export interface CacheOptions<Value> {
  /** Entries kept; the least recently used goes first. */
  readonly maxEntries: number;
  /** The sum of `sizeOf` over all entries; needs `sizeOf`. A value that is larger alone is returned and not kept. */
  readonly maxSize?: number;
  /** The size of a value, from 0, in whatever unit `maxSize` has. Fractions are rounded up. */
  readonly sizeOf?: (value: Value, key: string) => number;
  /** How to get a value that is not cached. `get` can also be given one. */
  readonly load?: Loader<Value>;
  /** How to get many; without it `getMany` calls `load` for each. */
  readonly loadMany?: BulkLoader<Value>;
  /** How long a loader may take. Default 30,000. */
  readonly loadTimeoutMs?: number;
  /** How long a value lives. Default: until it is invalidated. */
  readonly ttlMs?: number;
  /** How long `undefined` and `null` live. Default `ttlMs`. */
  readonly negativeTtlMs?: number;
  /** The part of the TTL that is left to chance, 0 to 1, so that entries do not expire together. Default 0. */
  readonly ttlJitter?: number;
  /** The last resort: no value is served longer, whatever else says so, not even when a load fails. Default: no limit. */
  readonly maxTtlMs?: number;
  /**
   * An entry that is read within this time before it can no longer be served is loaded again in the
   * background, at most four times. Default 0: never.
   */
  readonly refreshAheadMs?: number;
  /**
   * When a load fails, a value that has outlived its TTL by less than this, and nothing else, is served
   * instead. Never one that was invalidated, nor one that is too old for what is proven. Default 0.
   */
  readonly serveStaleOnErrorMs?: number;
  /** Keep what was invalidated for `getEntry(key, { onLoadError: 'invalidated' })`. Default `false`. */
  readonly keepInvalidated?: boolean;
  /** Tags of a value, known once it is loaded. */
  readonly tags?: (key: string, value: Value) => readonly string[];
  /** For how long after an invalidation loads may still read an old value: the lag of the replicas. Default 0. */
  readonly settleMs?: number;
  /** `load` may return values of a shared second level, and calls `setAge` for them. Default `false`. */
  readonly sharedLevel?: boolean;
  /**
   * What to do while it is not proven that everything was heard. `ttl` (default): live by time alone, which
   * keeps the bound. `bypass`: serve nothing. `stale`: serve all the same, which gives the bound up and is
   * announced to the others. `flush`: drop everything once, then `ttl`.
   */
  readonly onUnproven?: OnUnproven;
}

export interface GetOptions<Value> {
  /** Ends this caller's wait; other callers of the same load go on. */
  readonly signal?: AbortSignal;
  /** Instead of the cache's own loader. */
  readonly load?: Loader<Value>;
}

export interface GetManyOptions<Value> {
  readonly signal?: AbortSignal;
  readonly loadMany?: BulkLoader<Value>;
}

export interface GetEntryOptions<Value> extends GetOptions<Value> {
  /**
   * `invalidated`: when the load fails, take even a value that was invalidated (where `keepInvalidated` keeps
   * those), has expired long ago, or is not proven. The result says so.
   */
  readonly onLoadError?: 'throw' | 'invalidated';
}

/** A value and what is known of it. */
export interface CacheEntry<Value> {
  readonly value: Value;
  /** How long ago its load began, in ms. */
  readonly ageMs: number;
  /** When its load began, on this node's local clock, in ms. */
  readonly loadStartMs: number;
  /** Everything published until less than the staleness bound ago is known to be applied here. */
  readonly proven: boolean;
  readonly tags: readonly string[];
  /**
   * All but `current` only where the options ask for such values, and the load has failed. `expired`: only
   * its own TTL has passed; `unproven`: it may have been invalidated unheard; `invalidated`: it was.
   */
  readonly state: EntryState;
}

/** What to drop. Keys, tags and prefixes have 1 to 1,024 UTF-16 units. */
export interface CacheSelection {
  readonly keys?: string | Iterable<string>;
  readonly tags?: string | Iterable<string>;
  readonly prefixes?: string | Iterable<string>;
}

/** How long an invalidation is waited for. */
export interface InvalidateOptions {
  /**
   * `bus` (default): until the broker has accepted it; at once if the bus is away. `all`: until every member
   * has applied it, or the staleness bound has passed, after which nobody can serve the old value. A number: so many members.
   */
  readonly ack?: 'bus' | 'all' | number;
  /** Ends the wait sooner, in ms. */
  readonly timeoutMs?: number;
  /** Ends the wait; the invalidation is published all the same. */
  readonly signal?: AbortSignal;
}

export interface WriteOptions extends InvalidateOptions {
  /** `true` for an error that proves that nothing was changed: then nothing is invalidated. */
  readonly unchangedIf?: (error: unknown) => boolean;
  /** Told what came of the invalidation, before `write` settles. */
  readonly published?: (result: InvalidationResult) => void;
}

/**
 * What came of an invalidation. It is applied here in every case.
 * `by`: `local`, not accepted by the broker yet, it will be sent when the bus is back; `bus`, accepted;
 * `acks`, acknowledged by everybody asked; `lease`, the bound has passed; `timeout`, not known in time.
 * `acked` and `missing` name nodes.
 */
export type InvalidationResult = CallResult;

/** @throws {TypeError} that names the option and says what is expected */
export function checkCacheOptions<Value>(options: CacheOptions<Value>): void {
  const { maxEntries, maxSize, sizeOf, ttlJitter } = options;
  if (!Number.isSafeInteger(maxEntries) || maxEntries < 1) {
    throw new TypeError(`maxEntries must be a whole number from 1, got ${String(maxEntries)}`);
  }
  if (maxSize !== undefined && !(Number.isSafeInteger(maxSize) && maxSize >= 1)) {
    throw new TypeError(`maxSize must be a whole number from 1, got ${String(maxSize)}`);
  }
  if ((maxSize === undefined) !== (sizeOf === undefined)) {
    throw new TypeError('maxSize and sizeOf go together; give both or neither');
  }
  for (const name of DURATIONS) {
    const value: unknown = options[name];
    if (value !== undefined && !(typeof value === 'number' && value >= 0)) {
      const got = typeof value === 'number' ? value : typeof value;
      throw new TypeError(`${name} must be a number of ms from 0, got ${got}`);
    }
  }
  if (ttlJitter !== undefined && !(ttlJitter >= 0 && ttlJitter <= 1)) {
    throw new TypeError(`ttlJitter must be a number from 0 to 1, got ${String(ttlJitter)}`);
  }
  for (const name of FUNCTIONS) {
    if (options[name] !== undefined && typeof options[name] !== 'function') {
      throw new TypeError(`${name} must be a function`);
    }
  }
  for (const name of SWITCHES) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== 'boolean') {
      throw new TypeError(`${name} must be true or false, got a ${typeof value}`);
    }
  }
  const onUnproven: unknown = options.onUnproven;
  if (onUnproven !== undefined && !POLICIES.some((policy) => policy === onUnproven)) {
    throw new TypeError(`onUnproven must be one of ${POLICIES.join(', ')}`);
  }
}

const DURATIONS = [
  'loadTimeoutMs',
  'ttlMs',
  'negativeTtlMs',
  'maxTtlMs',
  'refreshAheadMs',
  'serveStaleOnErrorMs',
  'settleMs',
] as const;

const FUNCTIONS = ['load', 'loadMany', 'sizeOf', 'tags'] as const;

const POLICIES: readonly OnUnproven[] = ['ttl', 'bypass', 'stale', 'flush'];

const SWITCHES = ['keepInvalidated', 'sharedLevel'] as const;
