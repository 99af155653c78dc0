export type { BusConfig, Transport } from './bus-config.ts';
export { BUS_URL_FORMS, parseBusUrl, showBusUrl } from './bus-url.ts';
export type {
  AmqpSection,
  CacheSection,
  Configuration,
  Secret,
  StompSection,
  TlsSection,
  XmppSection,
} from './configuration.ts';
export { ConfigurationError } from './configuration-error.ts';
export { busesOf, busOf, clusterOptionsOf } from './configured-cluster.ts';
export { loadBus, loadBuses, type LoadBusOptions } from './load-bus.ts';
export {
  loadConfiguration,
  type LoadConfigurationOptions,
  type LoadedConfiguration,
} from './load-configuration.ts';
export { parseConfiguration } from './parse-configuration.ts';
export { configurationJsonSchema } from './schema.ts';
