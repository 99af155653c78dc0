import { Cacheable, createKeyv, type KeyvCacheableMemory } from 'cacheable';
import { RedisMessageProvider } from '@qified/redis';
import { TTL_MS, type PeerCache, type PeerOptions } from './peer-cache.ts';
import type { Article } from './reading.ts';

/** What Keyv puts around a value. */
interface Kept {
  readonly value: Article;
}

/**
 * cacheable: its in-memory primary, of the default kind (which has no bound), and CacheableSync by Redis. Without
 * `useClone` it hands out what it holds, as the others do, and a hit copies nothing. Without a
 * namespace no key gets a prefix; those who use the same Redis then hear each other, whatever the channel.
 */
export async function cacheablePeer(options: PeerOptions): Promise<PeerCache> {
  const { host, port, password, load } = options;
  const provider = new RedisMessageProvider({ uri: `redis://:${password}@${host}:${port}` });
  // Its clients end the process when a connection is cut, unless somebody listens to their errors.
  for (const client of [provider['pub'], provider['sub']]) client.on('error', () => undefined);
  await provider.connect();
  const primary = createKeyv({ useClone: false, storeHashSize: 1, ttl: TTL_MS });
  const cache = new Cacheable({ primary, sync: { qified: provider } });
  cache.on('error', () => undefined);
  const { store: adapter } = primary as unknown as { readonly store: KeyvCacheableMemory };
  const { store: memory } = adapter;
  return {
    subscribesTo: 'cache:delete',
    // A value that is set is sent to everybody: this is the store alone.
    warm: (key, article) => primary.set(key, article),
    get: (key) => cache.getOrSet(key, () => load(key)),
    async invalidate(key) {
      await cache.delete(key);
    },
    left: () => memory.size,
    onDropped(listener) {
      const remove = memory.delete.bind(memory);
      memory.delete = (key) => {
        const isThere = memory.has(key);
        remove(key);
        if (isThere) listener(key);
      };
    },
    flush: () => Promise.resolve(),
    hits: [
      { call: 'await getOrSet', awaited: (key) => cache.getOrSet(key, () => load(key)) },
      { call: 'await get', awaited: (key) => cache.get<Article>(key) },
      { call: 'await primary.get (Keyv)', awaited: (key) => primary.get<Article>(key) },
      { call: 'CacheableMemory get', sync: (key) => memory.get<Kept>(key)?.value },
    ],
    close: () => cache.disconnect(),
  };
}
