import { setTimeout as pause } from 'node:timers/promises';
import {
  joinCluster,
  onTelemetry,
  type AppliedEvent,
  type Cluster,
  type ClusterOptions,
  type CoherentCache,
} from '../../src/index.ts';
import { nowMs } from '../chaos/history.ts';
import type { Line } from './site.ts';
import type { Truth } from './truth.ts';
import { until } from './until.ts';

/** How often a station reads along, in ms. */
const READ_EVERY_MS = 20;

/** One node of a cluster, with its line, its cache and what it has told. */
export class Station {
  readonly label: string;
  readonly line: Line;
  readonly cluster: Cluster;
  readonly cache: CoherentCache<number>;
  /** What its bus said: `interrupted`, `resumed none`, … */
  readonly continuity: readonly string[];
  readonly applied: readonly AppliedEvent[];
  readonly #truth: Truth;
  readonly #stopListening: () => void;

  /** Joins; with `late` the bus is given as a function, and nobody waits for the broker. */
  static async joins(options: {
    readonly line: Line;
    readonly truth: Truth;
    readonly cluster: Omit<ClusterOptions, 'bus'> & { readonly label: string };
    readonly late: boolean;
  }): Promise<Station> {
    const { line, late } = options;
    const { name, label } = options.cluster;
    const continuity: string[] = [];
    const applied: AppliedEvent[] = [];
    const isOurs = (event: { readonly cluster: string; readonly node: string }): boolean =>
      event.cluster === name && event.node.startsWith(`${label}/`);
    const stops = [
      onTelemetry('unstale:continuity', (message) => {
        const { event } = message;
        if (!isOurs(message)) return;
        continuity.push(event.type === 'resumed' ? `resumed ${event.loss}` : event.type);
      }),
      onTelemetry('unstale:applied', (event) => {
        if (isOurs(event)) applied.push(event);
      }),
    ];
    const stopListening = (): void => {
      for (const stop of stops) stop();
    };
    try {
      const bus = late ? () => line.bus() : line.bus();
      const cluster = await joinCluster({ ...options.cluster, bus });
      return new Station({ ...options, label, cluster, continuity, applied, stopListening });
    } catch (error) {
      stopListening();
      await line.close();
      throw error;
    }
  }

  private constructor(options: {
    readonly label: string;
    readonly line: Line;
    readonly truth: Truth;
    readonly cluster: Cluster;
    readonly continuity: readonly string[];
    readonly applied: readonly AppliedEvent[];
    readonly stopListening: () => void;
  }) {
    const { label, line, truth, cluster, continuity, applied, stopListening } = options;
    this.label = label;
    this.line = line;
    this.cluster = cluster;
    this.continuity = continuity;
    this.applied = applied;
    this.#truth = truth;
    this.#stopListening = stopListening;
    this.cache = cluster.cache<number>('things', { maxEntries: 10_000, load: truth.load });
  }

  /** Loads the keys. */
  async caches(keys: readonly string[]): Promise<void> {
    for (const key of keys) await this.cache.get(key);
  }

  /** Those of the keys for which this node would serve an old value now. */
  old(keys: readonly string[]): readonly string[] {
    return keys.filter((key) => {
      const version = this.cache.peek(key);
      return version !== undefined && version < this.#truth.version(key);
    });
  }

  /** Commits and invalidates here; returns what is known of the invalidation. */
  changes(
    key: string,
    options?: Parameters<CoherentCache<number>['invalidate']>[1],
  ): ReturnType<CoherentCache<number>['invalidate']> {
    this.#truth.commit(key);
    return this.cache.invalidate(key, options);
  }

  /** Reads the keys over and over, noting what each read returns, until the returned function is called. */
  readsAlong(keys: readonly string[]): () => Promise<void> {
    const lifetime = new AbortController();
    const reading = (async () => {
      while (!lifetime.signal.aborted) {
        for (const key of keys) {
          const atMs = nowMs();
          this.#truth.noteRead({ key, version: await this.cache.get(key), atMs });
        }
        await pause(READ_EVERY_MS);
      }
    })();
    return async () => {
      lifetime.abort();
      await reading;
    };
  }

  /** Resolves once its bus has said so again since `from` (an earlier length of `continuity`). */
  async hears(event: 'interrupted' | 'resumed', from: number, withinMs?: number): Promise<number> {
    const isHeard = (): boolean =>
      this.continuity.slice(from).some((told) => told.startsWith(event));
    return await this.until(`hears \`${event}\``, isHeard, withinMs);
  }

  async until(what: string, isSo: () => boolean, withinMs?: number): Promise<number> {
    return await until(`${this.label} ${what}`, isSo, {
      ...(withinMs === undefined ? {} : { withinMs }),
      describe: () => JSON.stringify({ told: this.continuity, ...this.cluster.status() }),
    });
  }

  async leaves(): Promise<void> {
    this.line.heal();
    await this.cluster.close();
    await this.line.close();
    this.#stopListening();
  }
}
