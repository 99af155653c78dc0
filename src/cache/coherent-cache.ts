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
  type Loader,
  type WriteOptions,
} from './cache-options.ts';
import { CacheCounters, type CacheStats } from './cache-stats.ts';
import { Loading } from './loading.ts';
import { checkKey, checkNames, selectIn, selectionOf } from './names.ts';
import { Publishing, type WrittenKeys } from './publishing.ts';
import { checkedSizeOf } from './redemption.ts';
import { Refreshing } from './refreshing.ts';
import type { Entry } from './shelf.ts';
import { Store } from './store.ts';

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
  readonly #counters: CacheCounters;
  readonly #refreshing: Refreshing<Value> | undefined;
  #closed = false;

  /** Made by `cluster.cache`. */
  constructor(node: ClusterNode, region: string, options: CacheOptions<Value>) {
    checkCacheOptions(options);
    this.region = region;
    this.#options = options;
    this.#counters = new CacheCounters(region);
    this.#localMs = () => node.runtime.localMs();
    const { maxEntries, maxSize, maxTtlMs, onUnproven = 'ttl', refreshAheadMs = 0 } = options;
    this.#store = new Store({
      maxEntries,
      maxSize,
      sizeOf: checkedSizeOf(options.sizeOf),
      onUnproven,
      ...(maxTtlMs === undefined ? {} : { maxTtlMs }),
      settleMs: options.settleMs ?? 0,
      remembersDrops: options.sharedLevel ?? false,
      keepInvalidated: options.keepInvalidated ?? false,
      localMs: this.#localMs,
      ticketsProtect: node.settings.protections.tickets,
    });
    this.#store.follow(node.addTarget(region, this.#store));
    const { runtime } = node;
    this.#loading = new Loading(region, options, {
      store: this.#store,
      counters: this.#counters,
      runtime,
    });
    this.#refreshing =
      refreshAheadMs === 0
        ? undefined
        : new Refreshing(refreshAheadMs, this.#store, this.#loading, this.#localMs);
    this.#publishing = new Publishing(node);
  }

  /**
   * The value of `key`: cached, or loaded. Readers of the same key share one load.
   * @throws what the loader throws; {CacheError} `LOAD_TIMEOUT`, `LOAD_FAILED`, `LOAD_RECURSIVE`, `LOAD_LAUNDERED`,
   *   `TAGS_INVALID`, `SIZE_INVALID`, `CACHE_CLOSED`; {TypeError} for a key that is not 1 to 1,024 characters, or if there is no loader
   */
  get(key: string, options?: GetOptions<Value>): Promise<Value> {
    const entry = this.#hit(key);
    // Not an async function: for a hit that would cost more than the hit.
    if (entry === undefined) return this.#miss(key, options ?? {});
    entry.promise ??= Promise.resolve(entry.value);
    return entry.promise;
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
    for (const key of missing) this.#counters.count('miss', key);
    const loadMany = options.loadMany ?? this.#options.loadMany;
    const outcomes =
      loadMany === undefined
        ? await this.#loading.each(missing, this.#loaderOf({}), options.signal)
        : await this.#loading.many(missing, loadMany, options.signal);
    outcomes.forEach((outcome, index) => {
      const key = missing[index] ?? '';
      const failed = 'error' in outcome;
      const entry = failed ? this.#insteadOfError(key, outcome.error, options.signal) : outcome;
      found.set(key, entry.value);
    });
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
    checkKey(key);
    const loader = this.#loaderOf(options);
    this.#beforeLoad(options.signal);
    this.#counters.count('miss', key);
    try {
      return this.#describe(await this.#loading.one(key, loader, options.signal), 'current');
    } catch (error) {
      if (this.#isFinal(error, options.signal)) throw error;
      const expired = this.#expired(key);
      if (expired !== undefined) return this.#describe(expired, 'expired');
      const last = options.onLoadError === 'invalidated' ? this.#store.lastKnown(key) : undefined;
      if (last === undefined) throw error;
      this.#counters.count('stale', key);
      return this.#describe(last.entry, last.state);
    }
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
  invalidate(
    what: string | Iterable<string> | CacheSelection,
    options: InvalidateOptions = {},
  ): Promise<InvalidationResult> {
    return this.#publishing.invalidate(() => selectIn(this.region, selectionOf(what)), options);
  }

  /** Drops keys, tags or prefixes here only: for changes that every node hears of by other means, like a change feed. */
  invalidateLocal(what: string | Iterable<string> | CacheSelection): void {
    this.#publishing.invalidateLocal(selectIn(this.region, selectionOf(what)));
  }

  /** Drops the whole region here and on every other node. */
  flush(options: InvalidateOptions = {}): Promise<InvalidationResult> {
    return this.#publishing.invalidate(() => ({ regions: [this.region] }), options);
  }

  /**
   * A guarded write: nobody serves the old value longer than the bound after the commit, even if this process
   * dies between the commit and the invalidation. `write` commits the change; what it returns is returned.
   * `keys` may be a function of that, where ids are known only afterwards. If `write` throws, its outcome counts
   * as unknown and the keys (or the region, where they are not known) are invalidated all the same.
   * @throws what `write` throws
   */
  async write<Result>(
    keys: WrittenKeys<Result>,
    write: () => Result | Promise<Result>,
    options: WriteOptions = {},
  ): Promise<Result> {
    if (this.#closed) throw this.#isClosed();
    const hold = (guard: number): void => {
      this.#store.hold(guard);
    };
    return await this.#publishing.write(this.region, keys, write, options, hold);
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
    const { counts } = this.#counters;
    const { capacity, closed, ...invalidated } = this.#store.dropped;
    return {
      entries: this.#store.size,
      tags: this.#store.tagCount,
      loading: this.#loading.size,
      hits: counts.hit,
      misses: counts.miss,
      loads: counts.load,
      joinedLoads: counts.joined,
      failedLoads: counts.failed,
      voidedLoads: counts.voided,
      refreshes: counts.refresh,
      staleServed: counts.stale,
      invalidated: Object.values(invalidated).reduce((sum, count) => sum + count, 0),
      flushes: this.#store.flushes,
      evicted: capacity,
      dropped: { ...invalidated, capacity, closed },
      ageMs: this.#counters.ages(),
    };
  }

  /** Called by the cluster's `close`: nothing protects this cache any more, so it serves nothing. */
  close(): void {
    this.#closed = true;
    this.#loading.abortAll(this.#isClosed());
    this.#store.close();
  }

  #hit(key: string): Entry<Value> | undefined {
    const entry = this.#store.serveable(key);
    if (entry === undefined) return undefined;
    if (this.#counters.hit(key)) this.#counters.age(this.#localMs() - entry.loadStartMs);
    this.#refreshing?.served(key, entry);
    return entry;
  }

  async #miss(key: string, options: GetOptions<Value>): Promise<Value> {
    checkKey(key);
    const loader = this.#loaderOf(options);
    this.#beforeLoad(options.signal);
    this.#counters.count('miss', key);
    try {
      return (await this.#loading.one(key, loader, options.signal)).value;
    } catch (error) {
      return this.#insteadOfError(key, error, options.signal).value;
    }
  }

  /** The expired value that may stand in for a load that has failed. @throws `error` if there is none */
  #insteadOfError(key: string, error: unknown, signal: AbortSignal | undefined): Entry<Value> {
    const entry = this.#isFinal(error, signal) ? undefined : this.#expired(key);
    if (entry === undefined) throw error;
    return entry;
  }

  /** Whether it is not the source that has failed: the caller has given up, has erred, or the cache is closed. */
  #isFinal(error: unknown, signal: AbortSignal | undefined): boolean {
    const erred = error instanceof CacheError && error.code === 'LOAD_RECURSIVE';
    return this.#closed || signal?.aborted === true || erred;
  }

  #expired(key: string): Entry<Value> | undefined {
    const { serveStaleOnErrorMs = 0 } = this.#options;
    if (serveStaleOnErrorMs === 0) return undefined;
    const entry = this.#store.expired(key, serveStaleOnErrorMs);
    if (entry !== undefined) this.#counters.count('stale', key);
    return entry;
  }

  #describe(entry: Entry<Value>, state: CacheEntry<Value>['state']): CacheEntry<Value> {
    const { value, loadStartMs, tags } = entry;
    const ageMs = this.#localMs() - loadStartMs;
    return { value, ageMs, loadStartMs, proven: this.#store.proven, tags, state };
  }

  #loaderOf(options: GetOptions<Value>): Loader<Value> {
    const loader = options.load ?? this.#options.load;
    if (typeof loader === 'function') return loader;
    const message = `the cache ${JSON.stringify(this.region)} has no loader; give \`load\` to the cache or to the call`;
    throw new TypeError(message);
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
