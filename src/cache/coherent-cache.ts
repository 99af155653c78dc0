import { LRUCache } from 'lru-cache';
import type { ClusterNode } from '../cluster/node.ts';
import type { RegionSelection, RegionTarget, RegionTrust } from '../cluster/region.ts';
import type { Wait } from '../protocol/input.ts';
import type { Selection } from '../protocol/selection.ts';
import { CacheError } from './cache-error.ts';
import {
  checkCacheOptions,
  type CacheOptions,
  type GetOptions,
  type InvalidateOptions,
  type InvalidationResult,
  type Loader,
} from './cache-options.ts';
import { Loads, type Load } from './loads.ts';
import { checkKey, checkKeys } from './names.ts';
import { isTrusted } from './read-rule.ts';

interface Entry<Value> {
  readonly value: Value;
  /** The local time before its load began, in ms. */
  readonly loadStartMs: number;
  readonly expiresAtMs: number;
}

/** What a cache has counted since it was made. */
export interface CacheStats {
  readonly entries: number;
  readonly hits: number;
  readonly misses: number;
  /** Times a loader was called, and times a reader joined a load that was already under way. */
  readonly loads: number;
  readonly joinedLoads: number;
  readonly failedLoads: number;
  /** Entries dropped by an invalidation, here or elsewhere, and times everything was dropped. */
  readonly invalidated: number;
  readonly flushes: number;
}

/**
 * One region of the cluster on this node. No read returns a value whose invalidation was published
 * longer ago than the cluster's `maxStalenessMs`, whatever the bus does.
 */
export class CoherentCache<Value> {
  readonly region: string;
  readonly #node: ClusterNode;
  readonly #options: CacheOptions<Value>;
  readonly #store: LRUCache<string, Entry<Value>>;
  readonly #trust: RegionTrust;
  readonly #loads: Loads<Value>;
  /** Keys that a guarded write has under way: not stored and not served until it ends (PUB-7). */
  readonly #quarantined = new Map<number, readonly string[]>();
  readonly #counts = {
    hits: 0,
    misses: 0,
    loads: 0,
    joinedLoads: 0,
    failedLoads: 0,
    invalidated: 0,
    flushes: 0,
  };
  #closed = false;

  /** Made by `cluster.cache`. */
  constructor(node: ClusterNode, region: string, options: CacheOptions<Value>) {
    checkCacheOptions(options);
    this.region = region;
    this.#node = node;
    this.#options = options;
    this.#store = new LRUCache({ max: options.maxEntries });
    this.#trust = node.addTarget(region, this.#target());
    this.#loads = new Loads({
      region,
      runtime: node.runtime,
      trust: this.#trust,
      timeoutMs: options.loadTimeoutMs ?? 30_000,
      protects: node.settings.protections.tickets,
    });
  }

  /**
   * The value of `key`: cached, or loaded. Readers of the same key share one load.
   * @throws what the loader throws; {CacheError} `LOAD_TIMEOUT`, `LOAD_FAILED`, `LOAD_RECURSIVE`, `CACHE_CLOSED`;
   *   {TypeError} for a key that is not 1 to 1,024 characters, or if there is no loader
   */
  async get(key: string, options: GetOptions<Value> = {}): Promise<Value> {
    const entry = this.#serveable(key);
    if (entry !== undefined) {
      this.#counts.hits += 1;
      return entry.value;
    }
    return await this.#load(checkKey(key), options);
  }

  /** The value of `key` if it is cached and may be served now; never loads. */
  peek(key: string): Value | undefined {
    return this.#serveable(key)?.value;
  }

  /** Whether `peek` would return a value now. */
  has(key: string): boolean {
    return this.#serveable(key) !== undefined;
  }

  /**
   * Drops keys here and on every other node, after a write made elsewhere. Call it after the commit.
   * @throws {TypeError} for a key that is not 1 to 1,024 characters
   */
  async invalidate(
    keys: string | Iterable<string>,
    options: InvalidateOptions = {},
  ): Promise<InvalidationResult> {
    return await this.#node.invalidate(this.#select(checkKeys(keys)), waitOf(options));
  }

  /** Drops the whole region here and on every other node. */
  async flush(options: InvalidateOptions = {}): Promise<InvalidationResult> {
    return await this.#node.invalidate({ regions: [this.region] }, waitOf(options));
  }

  /**
   * A guarded write: nobody serves the old value longer than the bound after the commit, even if this process
   * dies between the commit and the invalidation. `write` commits the change; what it returns is returned.
   * If it throws, the outcome counts as unknown: the keys are invalidated all the same.
   * @throws what `write` throws
   */
  async write<Result>(
    keys: string | Iterable<string>,
    write: () => Result | Promise<Result>,
    options: InvalidateOptions = {},
  ): Promise<Result> {
    if (this.#closed) throw this.#isClosed();
    const selection = this.#select(checkKeys(keys));
    const guard = this.#node.reserve(selection);
    try {
      return await write();
    } finally {
      await this.#node.release(guard, selection, waitOf(options));
    }
  }

  stats(): CacheStats {
    return { ...this.#counts, entries: this.#store.size };
  }

  /** Called by the cluster's `close`: nothing protects this cache any more, so it serves nothing. */
  close(): void {
    this.#closed = true;
    this.#store.clear();
    this.#loads.abortAll(this.#isClosed());
  }

  /** READ-1: young enough, or loaded before a moment up to which everything published is known to be applied. */
  #serveable(key: string): Entry<Value> | undefined {
    const entry = this.#store.get(key);
    if (entry === undefined) return undefined;
    const nowMs = this.#node.runtime.localMs();
    const trusted = isTrusted(entry.loadStartMs, this.#trust, nowMs);
    return trusted && nowMs < entry.expiresAtMs ? entry : undefined;
  }

  async #load(key: string, options: GetOptions<Value>): Promise<Value> {
    if (this.#closed) throw this.#isClosed();
    options.signal?.throwIfAborted();
    this.#counts.misses += 1;
    let load = this.#loads.joinable(key);
    if (load !== undefined) this.#counts.joinedLoads += 1;
    else load = this.#startLoad(key, options.load ?? this.#options.load);
    return await joined(load, options.signal);
  }

  #startLoad(key: string, loader: Loader<Value> | undefined): Load<Value> {
    if (loader === undefined) {
      throw new TypeError(
        `the cache ${JSON.stringify(this.region)} has no loader; give \`load\` to the cache or to get`,
      );
    }
    this.#counts.loads += 1;
    const load = this.#loads.start(key, loader, {
      fenced: this.#isQuarantined(key),
      store: (value, { loadStartMs }) => {
        const expiresAtMs = loadStartMs + (this.#options.ttlMs ?? Number.POSITIVE_INFINITY);
        this.#store.set(key, { value, loadStartMs, expiresAtMs });
      },
    });
    load.result.catch(() => {
      this.#counts.failedLoads += 1;
    });
    return load;
  }

  #select(keys: readonly string[]): Selection {
    return keys.length === 0 ? {} : { keys: Object.fromEntries([[this.region, keys]]) };
  }

  #isQuarantined(key: string): boolean {
    for (const keys of this.#quarantined.values()) if (keys.includes(key)) return true;
    return false;
  }

  #target(): RegionTarget {
    return {
      drop: (selection) => {
        this.#drop(selection);
      },
      flush: () => {
        this.#counts.flushes += 1;
        this.#store.clear();
        this.#loads.voidAll();
      },
      quarantine: (guard, selection) => {
        this.#quarantined.set(guard, selection.keys);
        this.#drop(selection);
      },
      lift: (guard) => {
        this.#quarantined.delete(guard);
      },
    };
  }

  #drop(selection: RegionSelection): void {
    for (const key of selection.keys) if (this.#store.delete(key)) this.#counts.invalidated += 1;
    for (const prefix of selection.prefixes) {
      for (const key of this.#store.keys()) {
        if (key.startsWith(prefix) && this.#store.delete(key)) this.#counts.invalidated += 1;
      }
    }
    this.#loads.void(selection);
  }

  #isClosed(): CacheError {
    return new CacheError(
      'CACHE_CLOSED',
      `the cache ${JSON.stringify(this.region)} was closed with its cluster`,
    );
  }
}

function waitOf(options: InvalidateOptions): Wait {
  const { ack = 'bus', timeoutMs } = options;
  if (ack !== 'bus' && ack !== 'all' && !(Number.isSafeInteger(ack) && ack >= 1)) {
    throw new TypeError(
      `ack must be "bus", "all" or a number of members from 1, got ${String(ack)}`,
    );
  }
  return timeoutMs === undefined ? { for: ack } : { for: ack, timeoutMs };
}

/** Waits for a load; the last caller to give up ends it. */
function joined<Value>(load: Load<Value>, signal: AbortSignal | undefined): Promise<Value> {
  load.waiting += 1;
  if (signal === undefined) return load.result;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      load.waiting -= 1;
      if (load.waiting === 0) load.abort.abort(signal.reason);
      reject(signal.reason);
    };
    const done = (): void => {
      signal.removeEventListener('abort', onAbort);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    load.result.then(resolve, reject).finally(done);
  });
}
