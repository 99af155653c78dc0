import { createHistogram } from 'node:perf_hooks';

/** What a cache has counted since it was made. */
export interface CacheStats {
  /** Entries, distinct tags of them, and loads under way, now. */
  readonly entries: number;
  readonly tags: number;
  readonly loading: number;
  readonly hits: number;
  readonly misses: number;
  /** Loaders called; readers that joined a load under way; loads that failed; and loads that were voided by an invalidation. */
  readonly loads: number;
  readonly joinedLoads: number;
  readonly failedLoads: number;
  readonly voidedLoads: number;
  /** Loads in the background, of entries about to expire. */
  readonly refreshes: number;
  /** Expired or invalidated values served because a load had failed. */
  readonly staleServed: number;
  /** Entries dropped by an invalidation, times everything was dropped, and entries that made room for others. */
  readonly invalidated: number;
  readonly flushes: number;
  readonly evicted: number;
  /** The age of what was served, in ms, of every 64th hit. */
  readonly ageMs: {
    readonly p50: number;
    readonly p90: number;
    readonly p99: number;
    readonly max: number;
  };
}

const SAMPLED = 64;

/** The counters of one cache, cheap enough for every hit. */
export class CacheCounters {
  hits = 0;
  misses = 0;
  loads = 0;
  joinedLoads = 0;
  failedLoads = 0;
  voidedLoads = 0;
  refreshes = 0;
  staleServed = 0;
  readonly #ages = createHistogram();

  hit(ageMs: number): void {
    this.hits += 1;
    if (this.hits % SAMPLED === 0) this.#ages.record(Math.max(1, Math.round(ageMs)));
  }

  ages(): CacheStats['ageMs'] {
    const ages = this.#ages;
    if (ages.count === 0) return { p50: 0, p90: 0, p99: 0, max: 0 };
    return {
      p50: ages.percentile(50),
      p90: ages.percentile(90),
      p99: ages.percentile(99),
      max: ages.max,
    };
  }
}
