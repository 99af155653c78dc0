import { amqpBus } from '../../adapters/amqp/index.ts';
import { ipcBus } from '../../adapters/ipc/index.ts';
import { memoryBus, memoryNetwork } from '../../adapters/memory/index.ts';
import { stompBus } from '../../adapters/stomp/index.ts';
import { xmppBus } from '../../adapters/xmpp/index.ts';
import { TcpProxy } from '../../conformance-tests/index.ts';
import type { InvalidationBus } from '../../src/index.ts';
import { SeverableLines } from '../adapters/ipc/severable-lines.ts';
import { amqpServer, stompServer, xmppServer } from '../support/servers.ts';
import type { Line, Site } from './site.ts';

/** Faults are noticed in two or three seconds, and a broker that is back is found in one. */
const TUNING = {
  attachTimeoutMs: 4_000,
  confirmTimeoutMs: 3_000,
  detachTimeoutMs: 500,
  retryBaseMs: 50,
  retryCapMs: 500,
} as const;

const HEARTBEAT_MS = 1_000;

/** The memory network, and its own faults. */
export function memorySite(): Site {
  const network = memoryNetwork();
  return {
    name: 'memory',
    open: nothingToDo,
    async line(channel, name) {
      const bus = `${channel}-${name}`;
      return {
        bus: () => memoryBus({ channel, network, name: bus, tuning: TUNING }),
        sever: () => {
          network.sever(bus);
        },
        swallow: () => {
          network.swallow(bus);
        },
        heal: () => {
          network.heal(bus);
        },
        forget: nothingToDo,
        close: nothingToDo,
      };
    },
    close: nothingToDo,
  };
}

/** Sockets of this machine; the hub is a process of its own, and each line has a proxy that poses as the hub. */
export function ipcSite(): Site {
  let opened: SeverableLines | undefined;
  const lines = (): SeverableLines => (opened ??= new SeverableLines());
  return {
    name: 'ipc',
    open: nothingToDo,
    async line(channel, name) {
      const bus = `${channel}-${name}`;
      const folder = lines().folderFor(bus, channel);
      return {
        bus: () => ipcBus({ channel, folder, heartbeatMs: HEARTBEAT_MS / 2, tuning: TUNING }),
        sever: () => {
          lines().sever(bus);
        },
        swallow: () => {
          lines().swallow(bus);
        },
        heal: () => {
          lines().heal(bus);
        },
        forget: nothingToDo,
        close: nothingToDo,
      };
    },
    async close() {
      await opened?.close();
    },
  };
}

/** XMPP on Prosody. Only here the broker keeps what was missed (XEP-0198), and must be told to forget. */
export function xmppSite(): Site {
  return {
    name: 'XMPP on Prosody',
    async open() {
      await xmppServer();
    },
    async line(channel, name) {
      const { host, port, domain, mucDomain, username, password, launched } = await xmppServer();
      const options = { domain, username, password, label: name, tuning: TUNING };
      return await proxied(
        { host, port },
        (proxy) =>
          xmppBus({
            ...options,
            service: `xmpp://${proxy.host}:${proxy.port}`,
            room: `${channel}@${mucDomain}`,
            requestAckIntervalMs: HEARTBEAT_MS,
            ackTimeoutMs: HEARTBEAT_MS,
            selfPingAfterMs: 2 * HEARTBEAT_MS,
          }),
        launched === undefined
          ? undefined
          : async () => {
              await launched.runInRoom(channel, throwOut(name));
            },
      );
    },
    close: nothingToDo,
  };
}

/** STOMP on ActiveMQ. */
export function stompSite(): Site {
  return {
    name: 'STOMP on ActiveMQ',
    async open() {
      await stompServer();
    },
    async line(channel) {
      const { host, port, username, password } = await stompServer();
      const options = { username, password, topic: channel, heartbeatMs: HEARTBEAT_MS };
      return await proxied(
        { host, port },
        (proxy) => stompBus({ ...options, host: proxy.host, port: proxy.port, tuning: TUNING }),
        nothingToDo,
      );
    },
    close: nothingToDo,
  };
}

/** AMQP on RabbitMQ. */
export function amqpSite(): Site {
  return {
    name: 'AMQP on RabbitMQ',
    async open() {
      await amqpServer();
    },
    async line(channel) {
      const { host, port, username, password } = await amqpServer();
      const options = { username, password, exchange: channel, heartbeatMs: HEARTBEAT_MS };
      return await proxied(
        { host, port },
        (proxy) => amqpBus({ ...options, host: proxy.host, port: proxy.port, tuning: TUNING }),
        nothingToDo,
      );
    },
    close: nothingToDo,
  };
}

/** Every kind of bus that the project has an adapter for. */
export function allSites(): readonly Site[] {
  return [memorySite(), ipcSite(), xmppSite(), stompSite(), amqpSite()];
}

async function proxied(
  broker: { readonly host: string; readonly port: number },
  bus: (proxy: TcpProxy) => InvalidationBus,
  forget: Line['forget'],
): Promise<Line> {
  const proxy = await TcpProxy.to(broker);
  return {
    bus: () => bus(proxy),
    sever: () => {
      proxy.sever();
    },
    swallow: () => {
      proxy.swallow();
    },
    heal: () => {
      proxy.heal();
    },
    forget,
    close: () => proxy.close(),
  };
}

/** Lua for the room: whoever is called `label`, and something unique, is no occupant any more. */
function throwOut(label: string): string {
  return `local gone = {};
    for nick in room:each_occupant() do
      if nick:find("/${label}~", 1, true) then table.insert(gone, nick) end
    end;
    for _, nick in ipairs(gone) do assert(room:set_role(true, nick, nil, "forgotten by the test")) end`;
}

async function nothingToDo(): Promise<void> {}
