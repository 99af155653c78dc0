/** Which transport, and the options of its adapter: plain data, whatever it was read from. */
export type BusConfig =
  MemoryBusConfig | IpcBusConfig | XmppBusConfig | StompBusConfig | AmqpBusConfig;

export type MemoryBusConfig = { readonly transport: 'memory' } & Pick<
  import('../../adapters/memory/index.ts').MemoryBusOptions,
  'channel'
>;
export type IpcBusConfig = {
  readonly transport: 'ipc';
} & import('../../adapters/ipc/index.ts').IpcBusOptions;
export type XmppBusConfig = {
  readonly transport: 'xmpp';
} & import('../../adapters/xmpp/index.ts').XmppBusOptions;
export type StompBusConfig = {
  readonly transport: 'stomp';
} & import('../../adapters/stomp/index.ts').StompBusOptions;
export type AmqpBusConfig = {
  readonly transport: 'amqp';
} & import('../../adapters/amqp/index.ts').AmqpBusOptions;

export type Transport = BusConfig['transport'];

/** What nodes share where nothing else is said: the channel, the topic, the exchange. */
export const DEFAULT_CHANNEL = 'unstale';
