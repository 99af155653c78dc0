import { createBus, type InvalidationBus } from '../../src/index.ts';
import { StompDriver } from './stomp-driver.ts';
import { resolveOptions, type StompBusOptions } from './stomp-options.ts';

/**
 * A bus over STOMP 1.2, made for ActiveMQ and for RabbitMQ's STOMP plugin: a topic to which each bus subscribes.
 * Does nothing before `open`.
 * @throws {TypeError} naming the option that is missing or wrong
 */
export function stompBus(options: StompBusOptions): InvalidationBus {
  return createBus(new StompDriver(resolveOptions(options)), options.tuning);
}
