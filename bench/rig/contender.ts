import type { BusConfig } from '../../src/config/index.ts';
import type { PeerName } from './peer-cache.ts';

/** What tells the cache entries of other processes to go: ours, a client library as it comes, or a cache of another make. */
export type ContenderConfig =
  | { readonly type: 'unstale'; readonly bus: BusConfig; readonly nodes: number }
  | ({ readonly type: 'bare-xmpp'; readonly domain: string; readonly room: string } & Login)
  | ({ readonly type: 'bare-stomp'; readonly topic: string } & Login)
  | ({ readonly type: 'bare-amqp'; readonly exchange: string } & Login)
  | ({ readonly type: 'ioredis'; readonly channel: string } & Login)
  | ({
      readonly type: 'peer';
      readonly name: PeerName;
      readonly channel: string;
      readonly nodes: number;
    } & Login);

export interface Login {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
}

/** One process's part in a comparison: a cache with entries, and what drops them here and elsewhere. */
export interface Contender {
  /** Resolves once everybody counts on this one. */
  ready(): Promise<void>;
  /** Fills the cache. */
  warm(keys: readonly string[]): Promise<void>;
  /** Entries that are still there. */
  left(): number;
  /** Tells the others; resolves when the broker has accepted it. */
  publish(key: string): Promise<void>;
  /** Resolves when the broker has accepted everything, where `publish` does not wait for it. */
  flush?(): Promise<void>;
  /** Called after the entry of `key` was dropped because of another process. */
  onEvicted(listener: (key: string) => void): void;
  /** Control messages sent so far, where there are any. */
  controlMessages(): number;
  close(): Promise<void>;
}

/** Makes the contender of a configuration, connected. A process that only publishes needs no subscription where its library asks for none. */
export async function makeContender(
  config: ContenderConfig,
  role: 'publisher' | 'subscriber',
): Promise<Contender> {
  switch (config.type) {
    case 'unstale':
      return await (await import('./unstale-contender.ts')).unstaleContender(config);
    case 'bare-xmpp':
      return await (await import('./bare-xmpp.ts')).bareXmpp(config);
    case 'bare-stomp':
      return await (await import('./bare-stomp.ts')).bareStomp(config, role);
    case 'bare-amqp':
      return await (await import('./bare-amqp.ts')).bareAmqp(config, role);
    case 'ioredis':
      return await (await import('./bare-redis.ts')).bareRedis(config, role);
    case 'peer':
      return await (await import('./peer-contender.ts')).peerContender(config);
  }
}
