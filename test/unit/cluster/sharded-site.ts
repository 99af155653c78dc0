import { memoryBus, memoryNetwork, type MemoryNetwork } from '../../../adapters/memory/index.ts';
import { shardOf } from '../../../src/cluster/shard-of.ts';
import { joinCluster, type Cluster, type CoherentCache } from '../../../src/index.ts';
import { VirtualRuntime } from '../cache/virtual-runtime.ts';

export const BOUND_MS: number = 3_000;
export const REGIONS: readonly string[] = Array.from(
  { length: 40 },
  (_, index) => `region-${index}`,
);

/** A process with shards, and all it has told. */
export interface ShardedProcess {
  readonly cluster: Cluster;
  readonly caches: ReadonlyMap<string, CoherentCache<string>>;
  readonly source: { version: number };
}

/** Processes on the channels of one network, in one virtual time. */
export class ShardedSite {
  readonly network: MemoryNetwork = memoryNetwork();
  readonly runtime: VirtualRuntime = new VirtualRuntime();
  readonly source: { version: number } = { version: 0 };
  readonly #processes: ShardedProcess[] = [];

  async join(
    label: string,
    shards: number,
    options: { readonly expectedNodes?: number } = {},
  ): Promise<ShardedProcess> {
    const channels = Array.from({ length: shards }, (_, index) =>
      memoryBus({
        channel: index === 0 ? 'shop' : `shop-${index}`,
        network: this.network,
        name: `${label}-${index}`,
      }),
    );
    const cluster = await joinCluster({
      name: 'test',
      label,
      shards: channels,
      maxStalenessMs: BOUND_MS,
      lingerMs: 0,
      runtime: this.runtime,
      ...options,
    });
    const caches = new Map(
      REGIONS.map((region) => [
        region,
        cluster.cache<string>(region, {
          maxEntries: 10,
          load: (id) => `${id} ${this.source.version}`,
        }),
      ]),
    );
    const process = { cluster, caches, source: this.source };
    this.#processes.push(process);
    return process;
  }

  /** Processes that know each other, and trust what they hear. */
  async cluster(shards: number, ...labels: string[]): Promise<ShardedProcess[]> {
    const processes: ShardedProcess[] = [];
    for (const label of labels) {
      processes.push(await this.join(label, shards, { expectedNodes: labels.length }));
    }
    await this.until(() => processes.every(({ cluster }) => cluster.status().ready));
    await this.runtime.pass(BOUND_MS);
    return processes;
  }

  async until(isSo: () => boolean, withinMs = 30_000): Promise<void> {
    for (let passedMs = 0; !isSo(); passedMs += 100) {
      if (passedMs > withinMs) throw new Error(`it was not so within ${withinMs} ms`);
      await this.runtime.pass(100);
    }
  }

  async leave({ cluster }: ShardedProcess): Promise<void> {
    const closed = cluster.close();
    await this.runtime.pass(5_000);
    await closed;
  }

  async close(): Promise<void> {
    for (const process of this.#processes) await this.leave(process);
  }
}

/** Loads `key` into every cache. */
export async function fill({ caches }: ShardedProcess, key = 'a'): Promise<void> {
  for (const cache of caches.values()) await cache.get(key);
}

/** The regions in which `key` is still served. */
export function served({ caches }: ShardedProcess, key = 'a'): string[] {
  return [...caches].filter(([, cache]) => cache.peek(key) !== undefined).map(([region]) => region);
}

export function notesOf({ cluster }: ShardedProcess): string[] {
  return cluster.status().members.map(({ note }) => note);
}

/** A region that is on channel `index` where there are `shards`. */
export function regionOn(index: number, shards: number): string {
  const region = REGIONS.find((one) => shardOf(one, shards) === index);
  if (region === undefined) throw new Error('there is no such region');
  return region;
}
