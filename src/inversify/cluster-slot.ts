import type { CacheOptions, Cluster, CoherentCache } from '../index.ts';

/**
 * The place of one cluster in a container. A container keeps a promise that was rejected, and then can neither try
 * again nor let go of it; this does both.
 */
export class ClusterSlot {
  #joining: Promise<Cluster> | undefined;
  #cluster: Cluster | undefined;
  readonly #caches = new Map<string, CoherentCache<unknown>>();

  /** Joins with `join` unless that has been done; synchronous once it is. */
  cluster(join: () => Promise<Cluster>): Cluster | Promise<Cluster> {
    if (this.#cluster !== undefined) return this.#cluster;
    this.#joining ??= this.#join(join);
    return this.#joining;
  }

  cache(cluster: Cluster, region: string, options: CacheOptions<unknown>): CoherentCache<unknown> {
    const known = this.#caches.get(region);
    if (known !== undefined) return known;
    const made = cluster.cache(region, options);
    this.#caches.set(region, made);
    return made;
  }

  knownCache(region: string): CoherentCache<unknown> | undefined {
    return this.#caches.get(region);
  }

  async close(): Promise<void> {
    // One that could not join has nothing to close.
    const cluster = await this.#joining?.catch(() => undefined);
    await cluster?.close();
  }

  async #join(join: () => Promise<Cluster>): Promise<Cluster> {
    try {
      this.#cluster = await join();
      return this.#cluster;
    } catch (error) {
      this.#joining = undefined;
      throw error;
    }
  }
}
