/** Which transport, and where: plain data, whatever it was read from. Secrets are in `password` and nowhere else. */
export type BusConfig =
  MemoryBusConfig | IpcBusConfig | XmppBusConfig | StompBusConfig | AmqpBusConfig;

export interface MemoryBusConfig {
  readonly transport: 'memory';
  readonly channel: string;
}

export interface IpcBusConfig {
  readonly transport: 'ipc';
  readonly channel: string;
  readonly folder?: string;
}

export interface XmppBusConfig {
  readonly transport: 'xmpp';
  /** `xmpp://host:port`, `xmpps://…`, `ws://…` or `wss://…`, without credentials. */
  readonly service: string;
  readonly room: string;
  readonly username: string;
  readonly password: string;
  /** The domain of the account, where the service does not tell it. */
  readonly domain?: string;
}

export interface StompBusConfig {
  readonly transport: 'stomp';
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  readonly topic: string;
  /** The virtual host, sent as the header `host` of CONNECT. */
  readonly vhost?: string;
}

export interface AmqpBusConfig {
  readonly transport: 'amqp';
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  readonly vhost: string;
  readonly exchange: string;
}

export type Transport = BusConfig['transport'];

/** What nodes share where nothing else is said: the channel, the topic, the exchange. */
export const DEFAULT_CHANNEL = 'unstale';
