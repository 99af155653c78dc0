import type { ClusterNode } from '../cluster/node.ts';
import { CacheError } from './cache-error.ts';
import {
  checkCacheOptions,
  type CacheEntry,
  type CacheOptions,
  type CacheSelection,
  type GetEntryOptions,
  type GetManyOptions,
  type GetOptions,
  type InvalidateOptions,
  type InvalidationResult,
  type WriteOptions,
} from './cache-options.ts';
import { CacheCounters, type CacheStats } from './cache-stats.ts';
import { Loading } from './loading.ts';
import { checkKey, checkNames, selectIn } from './names.ts';
import { Publishing } from './publishing.ts';
import { Store, type Entry } from './store.ts';

/**
 * One region of the cluster on this node. No read returns a value whose invalidation was published
 * longer ago than the cluster's `maxStalenessMs`, whatever the bus does. The bus is never on the way of a read.
 *
 * Values are kept as they are: whoever changes an object that a cache returned changes what others read.
 */
export class CoherentCache<Value> {
  readonly region: string;
  readonly #options: CacheOptions<Value>;
  readonly #localMs: () => number;
  readonly #store: Store<Value>;
  readonly #loading: Loading<Value>;
  readonly #publishing: Publishing;
  readonly #counters = new CacheCounters();
  readonly #refreshAheadMs: number;
  #closed = false;

  /** Made by `cluster.cache`. */
  constructor(node: ClusterNode, region: string, options: CacheOptions<Value>) {
    checkCacheOptions(options);
    this.region = region;
    this.#options = options;
    this.#refreshAheadMs = options.refreshAheadMs ?? 0;
    this.#localMs = () => node.runtime.localMs();
    const { maxEntries, maxSize, sizeOf, onUnproven = 'ttl', settleMs = 0 } = options;
    this.#store = new Store({
      maxEntries,
      maxSize,
      sizeOf,
      onUnproven,
      settleMs,
      remembersDrops: options.sharedLevel ?? false,
      keepInvalidated: options.keepInvalidated ?? false,
      localMs: this.#localMs,
      ticketsProtect: node.settings.protections.tickets,
    });
    this.#store.follow(node.addTarget(region, this.#store));
    if (onUnproven === 'stale') node.announce('stale');
    const { runtime } = node;
    this.#loading = new Loading(region, options, {
      store: this.#store,
      counters: this.#counters,
      runtime,
    });
    this.#publishing = new Publishing(node);
  }

  /**
   * The value of `key`: cached, or loaded. Readers of the same key share one load.
   * @throws what the loader throws; {CacheError} `LOAD_TIMEOUT`, `LOAD_FAILED`, `LOAD_RECURSIVE`, `TAGS_INVALID`,
   *   `CACHE_CLOSED`; {TypeError} for a key that is not 1 to 1,024 characters, or if there is no loader
   */
  async get(key: string, options?: GetOptions<Value>): Promise<Value> {
    const entry = this.#hit(key);
    return entry === undefined ? await this.#miss(checkKey(key), options ?? {}) : entry.value;
  }

  /**
   * The values of many keys, in no particular order: one call of `loadMany` brings all that is not cached.
   * @throws as `get`; one failed load fails the call
   */
  async getMany(
    keys: Iterable<string>,
    options: GetManyOptions<Value> = {},
  ): Promise<ReadonlyMap<string, Value>> {
    const found = new Map<string, Value>();
    const missing: string[] = [];
    for (const key of new Set(checkNames('key', keys))) {
      const entry = this.#hit(key);
      if (entry === undefined) missing.push(key);
      else found.set(key, entry.value);
    }
    if (missing.length === 0) return found;
    this.#beforeLoad(options.signal);
    this.#counters.misses += missing.length;
    const loadMany = options.loadMany ?? this.#options.loadMany;
    const loaded =
      loadMany === undefined
        ? await Promise.all(
            missing.map(
              async (key) =>
                [key, await this.#loading.one(key, this.#options.load, options.signal)] as const,
            ),
          )
        : await this.#loading.many(missing, loadMany, options.signal);
    for (const [key, value] of loaded) found.set(key, value);
    return found;
  }

  /**
   * The value of `key` with what is known of it. The only way to a value that was invalidated, for callers
   * that ask for exactly that when a load fails (`keepInvalidated`, `onLoadError: 'invalidated'`).
   * @throws as `get`
   */
  async getEntry(key: string, options: GetEntryOptions<Value> = {}): Promise<CacheEntry<Value>> {
    const hit = this.#hit(key);
    if (hit !== undefined) return this.#describe(hit, 'current');
    let value: Value;
    try {
      this.#beforeLoad(options.signal);
      this.#counters.misses += 1;
      value = await this.#loading.one(
        checkKey(key),
        options.load ?? this.#options.load,
        options.signal,
      );
    } catch (error) {
      const entry = this.#insteadOfError(key, error, options.signal);
      if (entry !== undefined) return this.#describe(entry, 'expired');
      const old = this.#store.invalidatedEntry(key);
      if (options.onLoadError !== 'invalidated' || old === undefined) throw error;
      this.#counters.staleServed += 1;
      return this.#describe(old, 'invalidated');
    }
    const stored = this.#store.serveable(key);
    if (stored !== undefined && stored.value === value) return this.#describe(stored, 'current');
    // Not stored: it was voided while it loaded, or is too large. It is as old as it can be: just loaded.
    const nowMs = this.#localMs();
    return this.#describe({ value, loadStartMs: nowMs, expiresAtMs: nowMs, tags: [] }, 'current');
  }

  /** The value of `key` if it is cached and may be served now; never loads. */
  peek(key: string): Value | undefined {
    return this.#store.serveable(key)?.value;
  }

  /** Whether `key` is cached and may be served now. */
  has(key: string): boolean {
    return this.#store.serveable(key) !== undefined;
  }

  /**
   * Drops keys, tags or prefixes here and on every other node. For writes made elsewhere: call it after the commit.
   * @throws {TypeError} for a name that is not 1 to 1,024 characters; the reason of the caller's signal
   */
  async invalidate(
    what: string | Iterable<string> | CacheSelection,
    options: InvalidateOptions = {},
  ): Promise<InvalidationResult> {
    return await this.#publishing.invalidate(selectIn(this.region, selectionOf(what)), options);
  }

  /** Drops keys, tags or prefixes here only: for changes that every node hears of by other means, like a change feed. */
  invalidateLocal(what: string | Iterable<string> | CacheSelection): void {
    this.#publishing.invalidateLocal(selectIn(this.region, selectionOf(what)));
  }

  /** Drops the whole region here and on every other node. */
  async flush(options: InvalidateOptions = {}): Promise<InvalidationResult> {
    return await this.#publishing.invalidate({ regions: [this.region] }, options);
  }

  /**
   * A guarded write: nobody serves the old value longer than the bound after the commit, even if this process
   * dies between the commit and the invalidation. `write` commits the change; what it returns is returned.
   * `keys` may be a function of that, where ids are known only afterwards. If `write` throws, its outcome counts
   * as unknown and the keys (or the region, where they are not known) are invalidated all the same.
   * @throws what `write` throws
   */
  async write<Result>(
    keys: string | Iterable<string> | ((result: Result) => string | Iterable<string>),
    write: () => Result | Promise<Result>,
    options: WriteOptions = {},
  ): Promise<Result> {
    if (this.#closed) throw this.#isClosed();
    const unknown = { regions: [this.region] };
    if (typeof keys === 'function') {
      const selectAfter = (result: Result): ReturnType<typeof selectIn> =>
        selectIn(this.region, { keys: keys(result) });
      return await this.#publishing.write(
        { before: {}, after: selectAfter, unknown },
        write,
        options,
      );
    }
    const selection = selectIn(this.region, { keys });
    const after = (): typeof selection => selection;
    return await this.#publishing.write(
      { before: selection, after, unknown: selection },
      write,
      options,
    );
  }

  /** One guarded write of many keys. */
  async writeMany<Result>(
    keys: Iterable<string>,
    write: (keys: readonly string[]) => Result | Promise<Result>,
    options: WriteOptions = {},
  ): Promise<Result> {
    const list = checkNames('key', keys);
    return await this.write(list, () => write(list), options);
  }

  stats(): CacheStats {
    const { hits, misses, loads, joinedLoads, failedLoads, voidedLoads, refreshes, staleServed } =
      this.#counters;
    return {
      entries: this.#store.size,
      tags: this.#store.tagCount,
      loading: this.#loading.size,
      hits,
      misses,
      loads,
      joinedLoads,
      failedLoads,
      voidedLoads,
      refreshes,
      staleServed,
      ...this.#store.counts,
      ageMs: this.#counters.ages(),
    };
  }

  /** Called by the cluster's `close`: nothing protects this cache any more, so it serves nothing. */
  close(): void {
    this.#closed = true;
    this.#loading.abortAll(this.#isClosed());
    this.#store.flush();
  }

  #hit(key: string): Entry<Value> | undefined {
    const entry = this.#store.serveable(key);
    if (entry === undefined) return undefined;
    const nowMs = this.#localMs();
    this.#counters.hit(nowMs - entry.loadStartMs);
    if (this.#refreshAheadMs > 0 && entry.expiresAtMs - nowMs < this.#refreshAheadMs) {
      this.#loading.refresh(key);
    }
    return entry;
  }

  async #miss(key: string, options: GetOptions<Value>): Promise<Value> {
    this.#beforeLoad(options.signal);
    this.#counters.misses += 1;
    try {
      return await this.#loading.one(key, options.load ?? this.#options.load, options.signal);
    } catch (error) {
      const entry = this.#insteadOfError(key, error, options.signal);
      if (entry === undefined) throw error;
      return entry.value;
    }
  }

  /** The expired value that may stand in for a load that has failed. */
  #insteadOfError(
    key: string,
    error: unknown,
    signal: AbortSignal | undefined,
  ): Entry<Value> | undefined {
    const { serveStaleOnErrorMs = 0 } = this.#options;
    const own = this.#closed || signal?.aborted === true || error instanceof TypeError;
    if (own || serveStaleOnErrorMs === 0) return undefined;
    const entry = this.#store.expired(key, serveStaleOnErrorMs);
    if (entry !== undefined) this.#counters.staleServed += 1;
    return entry;
  }

  #describe(entry: Entry<Value>, state: CacheEntry<Value>['state']): CacheEntry<Value> {
    const { value, loadStartMs, tags } = entry;
    const ageMs = this.#localMs() - loadStartMs;
    return { value, ageMs, loadStartMs, proven: this.#store.proven, tags, state };
  }

  #beforeLoad(signal: AbortSignal | undefined): void {
    if (this.#closed) throw this.#isClosed();
    signal?.throwIfAborted();
  }

  #isClosed(): CacheError {
    const message = `the cache ${JSON.stringify(this.region)} was closed with its cluster`;
    return new CacheError('CACHE_CLOSED', message);
  }
}

function selectionOf(what: string | Iterable<string> | CacheSelection): CacheSelection {
  const named = typeof what === 'object' && what !== null && !(Symbol.iterator in what);
  return named ? what : { keys: what };
}
