import type { Contender, ContenderConfig } from './contender.ts';
import { numberOf } from './orders.ts';
import { openPeer } from './peer-cache.ts';
import type { Article } from './reading.ts';
import { untilSubscribed } from './until-subscribed.ts';

function load(key: string): Promise<Article> {
  return Promise.resolve({ id: numberOf(key) });
}

/** A cache of another make takes part. It subscribes in every process, as it does in an application. */
export async function peerContender(
  config: Extract<ContenderConfig, { type: 'peer' }>,
): Promise<Contender> {
  const peer = await openPeer(config.name, { ...config, load });
  return {
    ready: () => untilSubscribed(config, peer.subscribesTo, config.nodes),
    async warm(keys) {
      for (const key of keys) await peer.warm(key, { id: numberOf(key) });
      // A store that is looked at in the wrong place would seem to be empty, and quick to empty.
      if (peer.left() !== keys.length)
        throw new Error(`${peer.left()} of ${keys.length} are there`);
    },
    left: () => peer.left(),
    publish: (key) => peer.invalidate(key),
    flush: () => peer.flush(),
    onEvicted: (listener) => {
      peer.onDropped(listener);
    },
    controlMessages: () => 0,
    close: () => peer.close(),
  };
}
