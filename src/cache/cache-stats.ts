import { channel } from 'node:diagnostics_channel';
import { createHistogram } from 'node:perf_hooks';
import type { DropCause } from './shelf.ts';

/** What a cache has counted since it was made. */
export interface CacheStats {
  /** Entries (also those that may not be served any more), distinct tags of them, and loaders running, now. */
  readonly entries: number;
  readonly tags: number;
  readonly loading: number;
  /** Of `get`, `getMany` and `getEntry`, for each key; `peek` and `has` are not counted. */
  readonly hits: number;
  readonly misses: number;
  /** Loaders called; readers that joined a load under way; loads that failed; and loads that were voided by an invalidation. */
  readonly loads: number;
  readonly joinedLoads: number;
  readonly failedLoads: number;
  readonly voidedLoads: number;
  /** Loads in the background, of entries about to expire. */
  readonly refreshes: number;
  /** Expired, unproven or invalidated values served because a load had failed. */
  readonly staleServed: number;
  /** Entries dropped by an invalidation or a fence, times everything was dropped, and entries that made room for others. */
  readonly invalidated: number;
  readonly flushes: number;
  readonly evicted: number;
  /**
   * Entries dropped, by cause: on this node's own word (`local`), a peer's, a repair's or a foreign message's; because something
   * was lost beyond repair (`loss`), a member fell silent for good (`silence`), or somebody used this node's identity (`identity`);
   * to make room (`capacity`); because the proof was lost (`unproven`, only with that policy); at the end (`closed`).
   */
  readonly dropped: Readonly<Record<DropCause, number>>;
  /** The age of what was served, in ms, of every 64th hit. */
  readonly ageMs: {
    readonly p50: number;
    readonly p90: number;
    readonly p99: number;
    readonly max: number;
  };
}

/** What a cache does for a key, as the channel `unstale:cache` (`node:diagnostics_channel`) names it. */
export type CacheEventType =
  'hit' | 'miss' | 'load' | 'joined' | 'failed' | 'voided' | 'refresh' | 'stale';

/** A message of the channel `unstale:cache`. */
export interface CacheEvent {
  readonly region: string;
  readonly type: CacheEventType;
  readonly key: string;
}

const SAMPLED = 64;

/** Ages above 30 days are recorded as 30 days: a wider histogram costs more memory. */
const LONGEST_AGE_MS = 30 * 24 * 3_600_000;

const events = channel('unstale:cache');

/** The counters of one cache, cheap enough for every hit, and told to whoever subscribes. */
export class CacheCounters {
  readonly #region: string;
  readonly #counts: Record<Exclude<CacheEventType, 'hit'>, number> = {
    miss: 0,
    load: 0,
    joined: 0,
    failed: 0,
    voided: 0,
    refresh: 0,
    stale: 0,
  };
  #hits = 0;
  readonly #ages = createHistogram({ lowest: 1, highest: LONGEST_AGE_MS, figures: 2 });

  constructor(region: string) {
    this.#region = region;
  }

  get counts(): Readonly<Record<CacheEventType, number>> {
    return { ...this.#counts, hit: this.#hits };
  }

  count(type: Exclude<CacheEventType, 'hit'>, key: string): void {
    this.#counts[type] += 1;
    if (events.hasSubscribers) this.#tell(type, key);
  }

  /** A hit; `true` for those whose age is to be recorded. */
  hit(key: string): boolean {
    this.#hits += 1;
    if (events.hasSubscribers) this.#tell('hit', key);
    return this.#hits % SAMPLED === 0;
  }

  age(ageMs: number): void {
    this.#ages.record(Math.min(LONGEST_AGE_MS, Math.max(1, Math.round(ageMs))));
  }

  #tell(type: CacheEventType, key: string): void {
    const event: CacheEvent = { region: this.#region, type, key };
    events.publish(event);
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
