export { destinationFor } from './destination.ts';
export { stompBus } from './stomp-bus.ts';
export type { StompBusOptions, StompTlsOptions } from './stomp-options.ts';
