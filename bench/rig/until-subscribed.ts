import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';

const WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 20;

/**
 * Resolves once Redis counts so many subscribers of a channel: the libraries do not say when theirs is there.
 * @throws {Error} if it does not within 10 s
 */
export async function untilSubscribed(
  login: { readonly host: string; readonly port: number; readonly password: string },
  channel: string,
  count: number,
): Promise<void> {
  const { host, port, password } = login;
  const redis = new Redis({ host, port, password });
  const deadlineMs = performance.now() + WITHIN_MS;
  try {
    for (;;) {
      const [, subscribers] = await redis.pubsub('NUMSUB', channel);
      if (Number(subscribers) >= count) return;
      if (performance.now() > deadlineMs) {
        throw new Error(`${String(subscribers)} of ${count} have subscribed to ${channel}`);
      }
      await pause(LOOK_EVERY_MS);
    }
  } finally {
    redis.disconnect();
  }
}
