import { ClusterNode } from '../cluster/node.ts';
import { resolveSettings, type ClusterOptions } from '../cluster/cluster-options.ts';
import { PersistentBus } from '../cluster/persistent-bus.ts';
import { systemRuntime } from '../cluster/runtime.ts';
import { clusterStatus, type ClusterStatus } from '../cluster/status.ts';
import { Attachment, type ForeignCache } from './attachment.ts';
import { CacheError } from './cache-error.ts';
import type { CacheOptions, InvalidateOptions, InvalidationResult } from './cache-options.ts';
import { CoherentCache } from './coherent-cache.ts';
import { checkRegion, selectAcross, type ClusterSelection } from './names.ts';
import { Publishing } from './publishing.ts';

/** One node's part in a cluster. */
export interface Cluster extends AsyncDisposable {
  readonly name: string;
  /** `label/epoch`: this run of this node. */
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
   * Drops what is named on every node, for processes that have no cache of the region themselves.
   * @throws {TypeError} for a bad name
   */
  invalidate(what: ClusterSelection, options?: InvalidateOptions): Promise<InvalidationResult>;
  /** Resolves once the whole cluster counts on this node: wait for it before the first write. */
  ready(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Who is there, what is proven, what was lost and repaired, and why a cache is in TTL mode. */
  status(): ClusterStatus;
  /** Says bye, closes the caches and the bus. */
  close(): Promise<void>;
}

/** How long closing waits for the broker to accept what has not been sent yet, in ms. */
const FLUSH_MS = 2_000;

/**
 * Joins a cluster: opens the bus and takes part from then on. With a function in place of a bus it does not
 * wait for the broker: until it is found, and whenever a bus fails for good, another is made.
 * @throws {BusError} of the bus's `open`, where a bus was given; {TypeError} for a bad option
 */
export async function joinCluster(options: ClusterOptions): Promise<Cluster> {
  const { bus: given, signal, runtime = systemRuntime() } = options;
  signal?.throwIfAborted();
  const bus = typeof given === 'function' ? new PersistentBus(given, runtime) : given;
  const settings = resolveSettings(options, bus.capabilities.maxFrameBytes);
  const node = new ClusterNode(settings, runtime);
  await node.open(bus, signal);
  return new JoinedCluster(node, options.lingerMs ?? 1_000);
}

class JoinedCluster implements Cluster {
  readonly #node: ClusterNode;
  readonly #lingerMs: number;
  readonly #caches = new Map<string, { close(): void }>();
  #closed: Promise<void> | undefined;

  constructor(node: ClusterNode, lingerMs: number) {
    this.#node = node;
    this.#lingerMs = lingerMs;
  }

  get name(): string {
    return this.#node.settings.cluster;
  }

  get origin(): string {
    return this.#node.origin;
  }

  cache<Value>(region: string, options: CacheOptions<Value>): CoherentCache<Value> {
    checkRegion(region);
    this.#refuseWhenClosed();
    if (this.#caches.has(region)) {
      throw new TypeError(`this node has a cache ${JSON.stringify(region)} already; share it`);
    }
    const cache = new CoherentCache<Value>(this.#node, region, options);
    this.#caches.set(region, cache);
    return cache;
  }

  attach(region: string, target: ForeignCache): Attachment {
    checkRegion(region);
    this.#refuseWhenClosed();
    return new Attachment(this.#node, region, target);
  }

  invalidate(what: ClusterSelection, options: InvalidateOptions = {}): Promise<InvalidationResult> {
    return new Publishing(this.#node).invalidate(() => selectAcross(what), options);
  }

  async ready(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    await this.#node.ready(options.signal);
  }

  status(): ClusterStatus {
    return clusterStatus(this.#node);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #refuseWhenClosed(): void {
    if (this.#closed === undefined) return;
    throw new CacheError('CACHE_CLOSED', `the cluster ${JSON.stringify(this.name)} was closed`);
  }

  async #close(): Promise<void> {
    for (const cache of this.#caches.values()) cache.close();
    await this.#node.close({ flushMs: FLUSH_MS, lingerMs: this.#lingerMs });
  }
}
