import { createBus, type BusTuning, type InvalidationBus } from 'unstale';
import { RedisDriver } from './redis-driver.ts';

export interface RedisBusOptions {
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
  /** The Redis channel. Buses of one channel hear each other. */
  readonly channel: string;
  /** How often the line is tried, in ms; two silent periods mean that it is dead. Default 5,000. */
  readonly pingEveryMs?: number;
  readonly tuning?: BusTuning;
}

/**
 * An invalidation bus over Redis pub/sub.
 * @throws {TypeError} if an option is missing or out of range
 */
export function redisBus(options: RedisBusOptions): InvalidationBus {
  const { channel, pingEveryMs = 5_000, tuning } = options;
  if (channel === '') throw new TypeError('options.channel must not be empty');
  if (!(pingEveryMs > 0)) throw new TypeError('options.pingEveryMs must be a number above 0');
  return createBus(new RedisDriver({ ...options, pingEveryMs }), tuning);
}
