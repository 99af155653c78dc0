import type { OnUnproven } from '../index.ts';
import type { Transport } from './bus-config.ts';

/** A secret as it stands in a configuration: the text itself, or where to find it. */
export type Secret = string | { readonly env: string } | { readonly file: string };

/** Encryption; an empty object makes it mandatory. Paths of PEM files. */
export interface TlsSection {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  /** `true` accepts any certificate, so anybody can pose as the server. For experiments. */
  readonly acceptAnyCertificate?: boolean;
}

export interface XmppSection {
  readonly service: string;
  readonly hosts?: readonly string[];
  readonly domain?: string;
  readonly room: string;
  readonly username: string;
  readonly password: Secret;
  readonly roomPassword?: Secret;
  readonly tls?: TlsSection;
  readonly maxFrameBytes?: number;
  readonly requestAckIntervalMs?: number;
  readonly ackTimeoutMs?: number;
  readonly selfPingAfterMs?: number;
}

export interface StompSection {
  readonly host?: string;
  readonly port?: number;
  readonly hosts?: readonly string[];
  readonly vhost?: string;
  readonly username?: string;
  readonly password?: Secret;
  readonly topic: string;
  readonly tls?: TlsSection;
  readonly heartbeatMs?: number;
  readonly prefetch?: number;
  readonly maxFrameBytes?: number;
}

export interface AmqpSection {
  readonly host?: string;
  readonly port?: number;
  readonly hosts?: readonly string[];
  readonly vhost?: string;
  readonly username?: string;
  readonly password?: Secret;
  readonly exchange: string;
  readonly tls?: TlsSection;
  readonly heartbeatMs?: number;
  readonly prefetch?: number;
  readonly maxQueueLength?: number;
  readonly maxFrameBytes?: number;
}

/** The options of a cache that are plain data. Times in ms. */
export interface CacheSection {
  readonly maxEntries: number;
  readonly ttlMs?: number;
  readonly negativeTtlMs?: number;
  readonly ttlJitter?: number;
  readonly maxTtlMs?: number;
  readonly loadTimeoutMs?: number;
  readonly refreshAheadMs?: number;
  readonly serveStaleOnErrorMs?: number;
  readonly settleMs?: number;
  readonly onUnproven?: OnUnproven;
}

/**
 * How a process takes part in a cluster, as plain data: `transport` is the one word that chooses the bus.
 * The sections of the other transports may stay; they are not used. Every option: docs/configuration.md.
 */
export interface Configuration {
  readonly $schema?: string;
  readonly cluster: string;
  readonly label?: string;
  readonly maxStalenessMs?: number;
  readonly forgetAfterMs?: number;
  readonly expectedNodes?: number;
  readonly uniqueLabel?: boolean;
  readonly strict?: boolean;
  readonly guardMaxMs?: number;
  readonly onGuardTimeout?: 'hold' | 'release';
  readonly foreign?: 'accept' | 'ignore';
  readonly lingerMs?: number;
  /** Channels among which the regions are divided: the one that is configured, and others with `-1`, … behind its name. */
  readonly shards?: number;
  /** A bus URL, instead of `transport` and its section. */
  readonly bus?: string;
  /** The account of a bus URL, where the URL does not tell it. */
  readonly username?: string;
  readonly password?: Secret;
  readonly transport?: Transport;
  readonly memory?: { readonly channel?: string };
  readonly ipc?: { readonly channel?: string; readonly folder?: string };
  readonly xmpp?: XmppSection;
  readonly stomp?: StompSection;
  readonly amqp?: AmqpSection;
  readonly caches?: Readonly<Record<string, CacheSection>>;
}
