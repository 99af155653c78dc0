import { createNotificationPair, Loader } from 'layered-loader';
import { MAX_ENTRIES, TTL_MS, type PeerCache, type PeerOptions } from './peer-cache.ts';
import { QuietRedis } from './quiet-redis.ts';
import type { Article } from './reading.ts';

/** layered-loader: its in-memory cache, of the default kind, and its Redis notification pair. No second level, which would cost a trip for each invalidation. */
export async function layeredLoaderPeer(options: PeerOptions): Promise<PeerCache> {
  const { channel, load } = options;
  const publisherRedis = QuietRedis.at(options);
  const { publisher, consumer } = createNotificationPair<Article>({
    channel,
    publisherRedis,
    consumerRedis: QuietRedis.at(options),
  });
  const loader = new Loader<Article>({
    inMemoryCache: { maxItems: MAX_ENTRIES, ttlInMsecs: TTL_MS },
    dataSourceGetOneFn: load,
    notificationPublisher: publisher,
    notificationConsumer: consumer,
  });
  await loader.init();
  const memory = loader['inMemoryCache'];
  return {
    subscribesTo: channel,
    warm(key, article) {
      memory.set(key, article);
    },
    get: (key) => loader.get(key),
    invalidate: (key) => loader.invalidateCacheFor(key),
    left: () => sizeOf(memory),
    onDropped(listener) {
      // What it hears is applied to this: by its pages, running loads are fenced, and then the entry is deleted.
      const target = consumer['targetCache'];
      const remove = target.delete.bind(target);
      target.delete = (key) => {
        remove(key);
        listener(key);
      };
    },
    async flush() {
      // `invalidateCacheFor` does not wait for what it publishes. Redis answers in order: this comes last.
      await publisherRedis.ping();
    },
    hits: [
      { call: 'await get', awaited: (key) => loader.get(key) },
      { call: 'getInMemoryOnly', sync: (key) => loader.getInMemoryOnly(key) },
    ],
    close: () => loader.close(),
  };
}

/** How many entries the library's cache holds, which it does not say itself. */
function sizeOf(memory: object): number {
  const inner: unknown = Reflect.get(memory, 'cache');
  const size: unknown =
    typeof inner === 'object' && inner !== null ? Reflect.get(inner, 'size') : undefined;
  if (typeof size !== 'number')
    throw new Error('layered-loader keeps its entries elsewhere than it did');
  return size;
}
