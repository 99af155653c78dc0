import {
  resolveSettings,
  type BusChoice,
  type ClusterOptions,
} from '../cluster/cluster-options.ts';
import { givenBuses } from '../cluster/given-buses.ts';
import { groupStatus } from '../cluster/group-status.ts';
import type { ClusterNode } from '../cluster/node.ts';
import { systemRuntime } from '../cluster/runtime.ts';
import { ShardGroup } from '../cluster/shard-group.ts';
import type { ClusterStatus } from '../cluster/status.ts';
import { Attachment, type ForeignCache } from './attachment.ts';
import { CacheError } from './cache-error.ts';
import type { CacheOptions, InvalidateOptions, InvalidationResult } from './cache-options.ts';
import { CoherentCache } from './coherent-cache.ts';
import { checkRegion, selectAcross, type ClusterSelection } from './names.ts';
import { Publishing } from './publishing.ts';

/** One node's part in a cluster. */
export interface Cluster extends AsyncDisposable {
  readonly name: string;
  /** `label/epoch`: this run of this node; with shards, on the first of them. */
  readonly origin: string;
  /**
   * A cache for `region`, coherent with the caches of that name on the other nodes.
   * @throws {TypeError} for a bad option, or if this node has a cache of that name already; {CacheError} `CACHE_CLOSED`
   */
  cache<Value>(region: string, options: CacheOptions<Value>): CoherentCache<Value>;
  /**
   * Keeps a cache of another make free of what changes in `region`.
   * @throws {TypeError} if it lacks the methods to drop things; {CacheError} `CACHE_CLOSED`
   */
  attach(region: string, target: ForeignCache): Attachment;
  /**
   * Drops what is named on every node, for processes that have no cache of the region themselves. With shards, what
   * names no region goes over the first of them.
   * @throws {TypeError} for a bad name
   */
  invalidate(what: ClusterSelection, options?: InvalidateOptions): Promise<InvalidationResult>;
  /** Resolves once the whole cluster counts on this node: wait for it before the first write. */
  ready(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Who is there, what is proven, what was lost and repaired, and why a cache is in TTL mode. */
  status(): ClusterStatus;
  /** Says bye, closes the caches and the bus, or all its buses. */
  close(): Promise<void>;
}

/** How long closing waits for the broker to accept what has not been sent yet, in ms. */
const FLUSH_MS = 2_000;

/**
 * Joins a cluster: opens the bus, or each of `shards`, and takes part from then on. With a function in place of a bus it does not
 * wait for the broker: until it is found, and whenever a bus fails for good, another is made.
 * @throws {BusError} of the bus's `open`, where a bus was given; {TypeError} for a bad option
 */
export async function joinCluster(options: ClusterOptions & BusChoice): Promise<Cluster> {
  const { signal, runtime = systemRuntime() } = options;
  signal?.throwIfAborted();
  const buses = givenBuses(options, runtime);
  const settings = buses.map((bus) => resolveSettings(options, bus.capabilities));
  const group = new ShardGroup(settings, runtime);
  await group.open(buses, signal);
  return new JoinedCluster(group, options.lingerMs ?? 1_000);
}

class JoinedCluster implements Cluster {
  readonly #group: ShardGroup;
  readonly #lingerMs: number;
  readonly #caches = new Map<string, { close(): void }>();
  #closed: Promise<void> | undefined;

  constructor(group: ShardGroup, lingerMs: number) {
    this.#group = group;
    this.#lingerMs = lingerMs;
  }

  get name(): string {
    return this.#group.first.settings.cluster;
  }

  get origin(): string {
    return this.#group.first.origin;
  }

  cache<Value>(region: string, options: CacheOptions<Value>): CoherentCache<Value> {
    checkRegion(region);
    this.#refuseWhenClosed();
    if (this.#caches.has(region)) {
      throw new TypeError(`this node has a cache ${JSON.stringify(region)} already; share it`);
    }
    const cache = new CoherentCache<Value>(this.#group.nodeOf(region), region, options);
    // What names no region reaches this one by another channel: there, too, they must know that no lease speaks for it.
    if (options.onUnproven === 'stale')
      for (const node of this.#group.nodes) node.announce('stale');
    this.#caches.set(region, cache);
    return cache;
  }

  attach(region: string, target: ForeignCache): Attachment {
    checkRegion(region);
    this.#refuseWhenClosed();
    return new Attachment(this.#group.nodeOf(region), region, target);
  }

  invalidate(what: ClusterSelection, options: InvalidateOptions = {}): Promise<InvalidationResult> {
    return new Publishing(this.#nodeFor(what)).invalidate(() => selectAcross(what), options);
  }

  async ready(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    await this.#group.ready(options.signal);
  }

  status(): ClusterStatus {
    return groupStatus(this.#group);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A region that cannot be one is refused where everything else is, too: by a rejection. */
  #nodeFor(what: unknown): ClusterNode {
    const named = typeof what === 'object' && what !== null && 'region' in what;
    return this.#group.nodeOf(named && typeof what.region === 'string' ? what.region : undefined);
  }

  #refuseWhenClosed(): void {
    if (this.#closed === undefined) return;
    throw new CacheError('CACHE_CLOSED', `the cluster ${JSON.stringify(this.name)} was closed`);
  }

  async #close(): Promise<void> {
    for (const cache of this.#caches.values()) cache.close();
    await this.#group.close({ flushMs: FLUSH_MS, lingerMs: this.#lingerMs });
  }
}
