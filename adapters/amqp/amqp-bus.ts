import { createBus, type InvalidationBus } from '../../src/index.ts';
import { AmqpDriver } from './amqp-driver.ts';
import { type AmqpBusOptions, resolveOptions } from './amqp-options.ts';

/**
 * A bus over AMQP 0-9-1, made for RabbitMQ: a fanout exchange, and for each bus an exclusive queue that the server
 * names. Does nothing before `open`.
 * @throws {TypeError} naming the option that is missing or wrong
 */
export function amqpBus(options: AmqpBusOptions): InvalidationBus {
  return createBus(new AmqpDriver(resolveOptions(options)), options.tuning);
}
