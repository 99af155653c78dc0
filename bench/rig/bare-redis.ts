import { Redis } from 'ioredis';
import { BareCache } from './bare-cache.ts';
import type { Contender, ContenderConfig } from './contender.ts';

/** ioredis as it comes (it sets TCP_NODELAY itself), one key a message. */
export async function bareRedis(
  config: Extract<ContenderConfig, { type: 'ioredis' }>,
  role: 'publisher' | 'subscriber',
): Promise<Contender> {
  const { host, port, password, channel } = config;
  const redis = new Redis({ host, port, password });
  const cache = new BareCache();
  if (role === 'subscriber') {
    redis.on('message', (_, key) => {
      cache.drop(key);
    });
    await redis.subscribe(channel);
  } else {
    await redis.ping();
  }
  return Object.assign(cache, {
    async publish(key: string): Promise<void> {
      await redis.publish(channel, key);
    },
    close(): Promise<void> {
      redis.disconnect();
      return Promise.resolve();
    },
  });
}
