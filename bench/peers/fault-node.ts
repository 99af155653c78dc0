import { joinCluster } from '../../src/index.ts';
import { loadBus } from '../../src/config/index.ts';
import type { ContenderConfig } from '../rig/contender.ts';
import { MAX_ENTRIES, openPeer } from '../rig/peer-cache.ts';
import type { Article, Found } from '../rig/reading.ts';
import { untilSubscribed } from '../rig/until-subscribed.ts';

/** One of two caches between which something goes wrong. */
export interface FaultNode {
  /** Resolves once both count on each other. */
  ready(): Promise<void>;
  get(key: string): Promise<Found>;
  invalidate(key: string): Promise<unknown>;
  close(): Promise<void>;
}

/** Ours, or a peer, as it is by default. */
export async function faultNode(
  config: ContenderConfig,
  load: (key: string) => Promise<Article>,
): Promise<FaultNode> {
  if (config.type === 'peer') {
    const peer = await openPeer(config.name, { ...config, load });
    return {
      ready: () => untilSubscribed(config, peer.subscribesTo, config.nodes),
      get: (key) => peer.get(key),
      invalidate: (key) => peer.invalidate(key),
      close: () => peer.close(),
    };
  }
  if (config.type !== 'unstale') throw new TypeError(`${config.type} is no cache`);
  const bus = await loadBus(config.bus);
  const cluster = await joinCluster({ name: 'faults', bus, expectedNodes: config.nodes });
  const cache = cluster.cache<Article>('articles', { maxEntries: MAX_ENTRIES, load });
  return {
    ready: () => cluster.ready(),
    get: (key) => cache.get(key),
    invalidate: (key) => cache.invalidate(key),
    close: () => cluster.close(),
  };
}
