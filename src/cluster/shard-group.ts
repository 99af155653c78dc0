import type { InvalidationBus } from '../bus/invalidation-bus.ts';
import type { Settings } from '../protocol/settings.ts';
import { ClusterNode } from './node.ts';
import type { Runtime } from './runtime.ts';
import { shardOf } from './shard-of.ts';
import type { ShardEffect, Siblings } from './siblings.ts';

/**
 * The nodes of one process, each on a channel of its own: a region is published on one of them. Channel 0 is that of
 * everybody, whatever the number of their channels: on it goes what names no region, and who is there is known from
 * it. So nothing is trusted on any channel beyond what is proven on channel 0 (VER-3).
 */
export class ShardGroup {
  readonly nodes: readonly ClusterNode[];
  /** The node on channel 0. */
  readonly first: ClusterNode;
  /** What each of them has told, and how far the others let it trust. */
  readonly #heard: ShardEffect[];
  readonly #allowed: number[];

  /** One node for each of the settings, in the order of the channels. */
  constructor(all: readonly Settings[], runtime: Runtime) {
    this.#heard = all.map(() => ({ type: 'shard', provenAtMs: -Infinity, alike: true }));
    this.#allowed = all.map(() => Number.NEGATIVE_INFINITY);
    const nodes = all.map((settings, index) => {
      const siblings = all.length === 1 ? undefined : this.#siblings(index);
      return new ClusterNode(settings, runtime, siblings);
    });
    const [node] = nodes;
    if (node === undefined) throw new TypeError('a group has one node at least');
    this.nodes = nodes;
    this.first = node;
  }

  /** The node on whose channel `region` is published; without a region, channel 0. */
  nodeOf(region?: string): ClusterNode {
    if (region === undefined) return this.first;
    return this.nodes[shardOf(region, this.nodes.length)] ?? this.first;
  }

  /**
   * Opens the bus of each, side by side. Where one fails the others are closed.
   * @throws {BusError} of the first `open` that failed
   */
  async open(buses: readonly InvalidationBus[], signal: AbortSignal | undefined): Promise<void> {
    const given = signal === undefined ? [] : [signal];
    const failed = new AbortController();
    const openings = buses.map(async (bus, index) => {
      try {
        // A signal for each: sixty-four listeners of one would look like a leak.
        await this.nodes[index]?.open(bus, AbortSignal.any([...given, failed.signal]));
      } catch (error) {
        failed.abort(error);
      }
    });
    await Promise.all(openings);
    if (!failed.signal.aborted) return;
    const ends = this.nodes.map((node) => node.close({ flushMs: 0, lingerMs: 0 }));
    await Promise.allSettled(ends);
    throw failed.signal.reason;
  }

  /** Resolves once each of them is ready. @throws as `ClusterNode.ready` */
  async ready(signal: AbortSignal | undefined): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.ready(signal)));
  }

  /** Says bye on every channel, and lets go of the buses. */
  async close(options: { readonly flushMs: number; readonly lingerMs: number }): Promise<void> {
    const { first } = this;
    const others = this.nodes.filter((node) => node !== first);
    if (others.length > 0) {
      for (const node of this.nodes) node.retire();
      await Promise.all(this.nodes.map((node) => node.flushed(options.flushMs)));
    }
    const rest = others.length > 0 ? { ...options, flushMs: 0 } : options;
    // Who has left channel 0 is gone for those who divide the regions in another way, so that bye is the last; and
    // while a guarded write is under way anywhere it is not said at all.
    const ends = others.map((node) => node.close(rest));
    const stays = (): boolean => others.some((node) => node.core.publisher.guards > 0);
    await Promise.all([...ends, first.close({ ...rest, stays })]);
  }

  #siblings(index: number): Siblings {
    return {
      // A person, a plain program, or a node with another number of channels may name any region on any of them.
      apply: (selection, cause) => {
        for (const { regions } of this.nodes) regions.apply(selection, cause);
      },
      flush: (regions, cause) => {
        const own = regions === 'all' && index > 0;
        const nodes = own ? this.nodes.slice(index, index + 1) : this.nodes;
        for (const node of nodes) node.regions.flush(regions, cause);
      },
      told: (effect) => {
        const isOver = this.#heard[index]?.alike === false && effect.alike;
        // Whoever has left has published where nobody of us listened.
        if (isOver) for (const { regions } of this.nodes) regions.flush('all', { by: 'loss' });
        this.#heard[index] = effect;
        this.#allow();
      },
    };
  }

  /** Tells each of them how far the others let it trust what it hears. */
  #allow(): void {
    const unlike = this.#heard.flatMap(({ alike }, index) => (alike ? [] : [index]));
    const everybodyMs = this.#heard[0]?.provenAtMs ?? Number.NEGATIVE_INFINITY;
    for (const [index, node] of this.nodes.entries()) {
      const never = unlike.some((other) => other !== index);
      const provenAtMs = never ? -Infinity : index === 0 ? Infinity : everybodyMs;
      if (provenAtMs === this.#allowed[index]) continue;
      this.#allowed[index] = provenAtMs;
      node.step({ type: 'elsewhere', provenAtMs });
    }
  }
}
