export { amqpBus } from './amqp-bus.ts';
export type { AmqpBusOptions, AmqpTlsOptions } from './amqp-options.ts';
export { exchangeFor } from './exchange-name.ts';
