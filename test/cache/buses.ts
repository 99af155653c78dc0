import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { amqpServer, rabbitMqStompServer, stompServer, xmppServer } from '../support/servers.ts';

/** A bus between processes, by its URL. */
export interface BusKind {
  readonly name: string;
  /** A channel that nobody else uses, and what removes what is left of it. */
  readonly channel: () => Promise<{ readonly url: string; readonly remove: () => void }>;
}

function nothing(): void {}

function fresh(): string {
  return `cache-${randomUUID().slice(0, 8)}`;
}

function account(server: {
  username: string;
  password: string;
  host: string;
  port: number;
}): string {
  const { username, password, host, port } = server;
  return `${encodeURIComponent(username)}:${encodeURIComponent(password)}@${host}:${port}`;
}

export const IPC: BusKind = {
  name: 'ipc',
  channel: () => {
    const folder = mkdtempSync(join(tmpdir(), 'unstale-cache-'));
    const remove = (): void => {
      rmSync(folder, { recursive: true, force: true });
    };
    return Promise.resolve({ url: `ipc:${fresh()}?folder=${encodeURIComponent(folder)}`, remove });
  },
};

/** Every transport, over a real server where it has one. */
export const BUSES: readonly BusKind[] = [
  IPC,
  {
    name: 'XMPP',
    channel: async () => {
      const server = await xmppServer();
      const url = `xmpp://${account(server)}/${fresh()}@${server.mucDomain}?domain=${server.domain}`;
      return { url, remove: nothing };
    },
  },
  {
    name: 'STOMP on ActiveMQ',
    channel: async () => ({
      url: `stomp://${account(await stompServer())}/${fresh()}`,
      remove: nothing,
    }),
  },
  {
    name: 'AMQP on RabbitMQ',
    channel: async () => ({
      url: `amqp://${account(await amqpServer())}/?exchange=${fresh()}`,
      remove: nothing,
    }),
  },
  {
    name: 'STOMP on RabbitMQ',
    channel: async () => ({
      url: `stomp://${account(await rabbitMqStompServer())}/${fresh()}`,
      remove: nothing,
    }),
  },
];
