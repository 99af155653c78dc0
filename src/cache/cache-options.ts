import type { CallResult } from '../protocol/effect.ts';

/** Reads the system of record. `signal` is aborted when nobody waits any more, at the timeout, and at the end. */
export type Loader<Value> = (
  key: string,
  context: { readonly signal: AbortSignal },
) => Value | Promise<Value>;

/** One region on this node. Times in ms. */
export interface CacheOptions<Value> {
  /** Entries kept; the least recently used goes first. */
  readonly maxEntries: number;
  /** How to get a value that is not cached. `get` can also be given one. */
  readonly load?: Loader<Value>;
  /** How long a value lives at most, counted from the start of its load. Default: no limit of its own. */
  readonly ttlMs?: number;
  /** How long a loader may take. Default 30,000. */
  readonly loadTimeoutMs?: number;
}

export interface GetOptions<Value> {
  /** Ends this caller's wait; other callers of the same load go on. */
  readonly signal?: AbortSignal;
  /** Instead of the cache's own loader. */
  readonly load?: Loader<Value>;
}

/** How long an invalidation is waited for. */
export interface InvalidateOptions {
  /**
   * `bus` (default): until the broker has accepted it; at once if the bus is away. `all`: until every member
   * has applied it, or the staleness bound has passed, after which nobody can serve the old value. A number: so many members.
   */
  readonly ack?: 'bus' | 'all' | number;
  /** Ends the wait sooner. */
  readonly timeoutMs?: number;
}

/**
 * What came of an invalidation. It is applied here in every case.
 * `by`: `local`, not accepted by the broker yet, it will be sent when the bus is back; `bus`, accepted;
 * `acks`, acknowledged by everybody asked; `lease`, the bound has passed; `timeout`, not known in time.
 * `acked` and `missing` name nodes.
 */
export type InvalidationResult = CallResult;

/** @throws {TypeError} that names the option */
export function checkCacheOptions<Value>(options: CacheOptions<Value>): void {
  const { maxEntries, ttlMs, loadTimeoutMs, load } = options;
  if (!Number.isSafeInteger(maxEntries) || maxEntries < 1) {
    throw new TypeError(`maxEntries must be a whole number from 1, got ${String(maxEntries)}`);
  }
  for (const [name, value] of Object.entries({ ttlMs, loadTimeoutMs })) {
    if (value !== undefined && !(typeof value === 'number' && value > 0)) {
      throw new TypeError(`${name} must be a number of ms above 0, got ${String(value)}`);
    }
  }
  if (load !== undefined && typeof load !== 'function')
    throw new TypeError('load must be a function');
}
