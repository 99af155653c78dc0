import { BentoCache, bentostore } from 'bentocache';
import { MemoryDriver } from 'bentocache/drivers/memory';
import { redisBusDriver } from 'bentocache/drivers/redis';
import { LRUCache } from 'lru-cache';
import { MAX_ENTRIES, TTL_MS, type PeerCache, type PeerOptions } from './peer-cache.ts';
import { QuietRedis } from './quiet-redis.ts';
import type { Article } from './reading.ts';

/**
 * bentocache: its first level and its Redis bus, in the binary encoding that is its default. `serialize: false` is its
 * fastest setting: a hit parses nothing.
 */
export function bentocachePeer(options: PeerOptions): PeerCache {
  const { channel, load } = options;
  // The store that its driver would make, made here so that its entries can be counted.
  const cacheInstance = new LRUCache<string, string>({ max: MAX_ENTRIES, ttlAutopurge: false });
  const memory = { maxItems: MAX_ENTRIES, serialize: false };
  const drivers: MemoryDriver[] = [];
  const l1 = {
    options: memory,
    factory(config: object): MemoryDriver {
      const driver = new MemoryDriver({ ...config, cacheInstance });
      drivers.push(driver);
      return driver;
    },
  };
  const connection = QuietRedis.at(options);
  // A store is made, and subscribes, when it is first used.
  const bento = new BentoCache({
    default: channel,
    ttl: TTL_MS,
    stores: { [channel]: bentostore().useL1Layer(l1).useBus(redisBusDriver({ connection })) },
  }).use(channel);
  const factoryOf = (key: string) => (): Promise<Article> => load(key);
  const get = (key: string): Promise<Article> => bento.getOrSet({ key, factory: factoryOf(key) });
  return {
    subscribesTo: `bentocache.notifications:${channel}`,
    // A value that is set is announced, and would expire those that the others have just been given.
    warm: (key, value) => bento.set({ key, value, skipBusNotify: true }),
    get,
    async invalidate(key) {
      await bento.delete({ key });
    },
    left: () => cacheInstance.size,
    onDropped(listener) {
      for (const driver of drivers) {
        const remove = driver.delete.bind(driver);
        driver.delete = (key) => {
          const isGone = remove(key);
          if (isGone) listener(key);
          return isGone;
        };
      }
    },
    flush: () => Promise.resolve(),
    hits: [
      { call: 'await getOrSet', awaited: get },
      { call: 'await get', awaited: (key) => bento.get<Article>({ key }) },
    ],
    close: () => bento.disconnect(),
  };
}
