export { BusError, type BusErrorCode, type BusOutcome } from './bus/bus-error.ts';
export type { BusDriver, Link, LinkEvents, SendOptions } from './bus/bus-driver.ts';
export type { BusTimers, BusTuning } from './bus/bus-tuning.ts';
export { createBus } from './bus/create-bus.ts';
export type {
  BusCallOptions,
  BusCapabilities,
  BusReceiver,
  BusState,
  ContinuityEvent,
  ForeignMessage,
  Frame,
  InvalidationBus,
  PublishOptions,
} from './bus/invalidation-bus.ts';
