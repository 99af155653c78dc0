import type { BusConfig } from '../../src/config/index.ts';
import { startActiveMq, startProsody, startRabbitMq, type Broker } from '../../brokers/index.ts';

export type ArenaName = 'prosody' | 'activemq' | 'rabbitmq';

/** A broker to be broken, and how a node reaches it through a proxy. */
export interface Arena {
  readonly name: ArenaName;
  readonly broker: Broker;
  readonly port: number;
  busThrough(host: string, port: number): BusConfig;
  /** Takes away what the nodes share: queues, or the room. `undefined`: this broker has nothing that could be deleted. */
  readonly deleteChannel: (() => Promise<void>) | undefined;
}

/** Faults are noticed in a second or two: X is three seconds. */
const TUNING = {
  attachTimeoutMs: 4_000,
  confirmTimeoutMs: 2_000,
  detachTimeoutMs: 500,
  retryBaseMs: 100,
  retryCapMs: 1_000,
} as const;

export async function startArena(name: ArenaName): Promise<Arena> {
  switch (name) {
    case 'prosody': {
      const broker = await startProsody();
      const { username, password, domain, mucDomain, port } = broker;
      const room = `chaos@${mucDomain}`;
      return {
        name,
        broker,
        port,
        busThrough: (host, proxyPort) => ({
          transport: 'xmpp',
          service: `xmpp://${host}:${proxyPort}`,
          domain,
          room,
          username,
          password,
          requestAckIntervalMs: 1_000,
          ackTimeoutMs: 1_000,
          selfPingAfterMs: 1_000,
          tuning: TUNING,
        }),
        deleteChannel: () => broker.destroyRoom(room),
      };
    }
    case 'activemq': {
      const broker = await startActiveMq();
      const { username, password, port } = broker;
      return {
        name,
        broker,
        port,
        busThrough: (host, proxyPort) => ({
          transport: 'stomp',
          host,
          port: proxyPort,
          username,
          password,
          topic: 'chaos',
          heartbeatMs: 1_000,
          tuning: TUNING,
        }),
        deleteChannel: undefined,
      };
    }
    case 'rabbitmq': {
      const broker = await startRabbitMq();
      const { username, password, port } = broker;
      return {
        name,
        broker,
        port,
        busThrough: (host, proxyPort) => ({
          transport: 'amqp',
          host,
          port: proxyPort,
          username,
          password,
          exchange: 'chaos',
          heartbeatMs: 1_000,
          tuning: TUNING,
        }),
        deleteChannel: () => broker.deleteAllQueues(),
      };
    }
  }
}
