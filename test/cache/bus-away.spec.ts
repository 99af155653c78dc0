import { randomUUID } from 'node:crypto';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { amqpBus } from '../../adapters/amqp/index.ts';
import { stompBus } from '../../adapters/stomp/index.ts';
import { xmppBus } from '../../adapters/xmpp/index.ts';
import { freePort } from '../../brokers/free-port.ts';
import { TcpProxy } from '../../conformance-tests/tcp-proxy.ts';
import { joinCluster, type CoherentCache, type InvalidationBus } from '../../src/index.ts';
import { amqpServer, stompServer, xmppServer } from '../support/servers.ts';

const LOADER_MS = 5;

interface Address {
  readonly host: string;
  readonly port: number;
}

/** Makes buses of one transport, as if their server were at an address. */
type MakeBus = (at: Address) => InvalidationBus;

const channel = `away-${randomUUID().slice(0, 8)}`;

const TRANSPORTS: Readonly<
  Record<string, () => Promise<{ readonly server: Address; readonly make: MakeBus }>>
> = {
  XMPP: async () => {
    const server = await xmppServer();
    const { username, password, domain, mucDomain } = server;
    const room = `${channel}@${mucDomain}`;
    const make: MakeBus = ({ host, port }) =>
      xmppBus({ service: `xmpp://${host}:${port}`, domain, room, username, password });
    return { server, make };
  },
  STOMP: async () => {
    const server = await stompServer();
    const { username, password } = server;
    return { server, make: (at) => stompBus({ ...at, topic: channel, username, password }) };
  },
  AMQP: async () => {
    const server = await amqpServer();
    const { username, password } = server;
    return { server, make: (at) => amqpBus({ ...at, exchange: channel, username, password }) };
  },
};

/** What a read costs beyond its loader, and what a hit costs, in ms. */
async function costsOf(cache: CoherentCache<string>, loads: Map<string, number>) {
  const beyondMs: number[] = [];
  for (let index = 0; index < 50; index += 1) {
    const key = `key:${randomUUID()}`;
    const startMs = performance.now();
    await cache.get(key);
    beyondMs.push(performance.now() - startMs - (loads.get(key) ?? 0));
  }
  const [key = ''] = loads.keys();
  await cache.get(key);
  const startMs = performance.now();
  for (let index = 0; index < 10_000; index += 1) await cache.get(key);
  const hitMs = (performance.now() - startMs) / 10_000;
  return { beyondMs: beyondMs.toSorted((a, b) => a - b)[25] ?? 0, hitMs };
}

async function expectNoCost(bus: InvalidationBus | (() => InvalidationBus), breakIt?: () => void) {
  const loads = new Map<string, number>();
  const startMs = performance.now();
  await using cluster = await joinCluster({
    name: 'away',
    bus,
    expectedNodes: 1,
    maxStalenessMs: 1_000,
    lingerMs: 0,
  });
  const joinedMs = performance.now() - startMs;
  if (breakIt === undefined) expect(joinedMs, 'joining does not wait').to.be.below(1_000);
  const cache = cluster.cache('articles', {
    maxEntries: 1_000,
    load: async (key) => {
      const loadStartMs = performance.now();
      await sleep(LOADER_MS);
      loads.set(key, performance.now() - loadStartMs);
      return key;
    },
  });
  breakIt?.();
  // Twice: before the proof is too old, where there is one, and after it.
  for (const waitMs of [0, 1_200]) {
    await sleep(waitMs);
    const { beyondMs, hitMs } = await costsOf(cache, loads);
    expect(beyondMs, 'a read beyond its loader').to.be.below(20);
    expect(hitMs, 'a hit').to.be.below(1);
  }
  // What is published does not wait either.
  const toldMs = performance.now();
  void cluster.invalidate({ keys: 'x' });
  await cache.write('y', () => 1, { timeoutMs: 100, signal: AbortSignal.timeout(500) });
  expect(performance.now() - toldMs).to.be.below(2_000);
}

for (const [name, start] of Object.entries(TRANSPORTS)) {
  describe(`a cache whose ${name} bus is away`, function () {
    this.timeout(150_000);
    const sockets = new Set<Socket>();
    let server: Server | undefined;

    afterEach(() => {
      for (const socket of sockets) socket.destroy();
      sockets.clear();
      server?.close();
    });

    it('costs nothing more where nobody listens', async () => {
      const { make } = await start();
      const at = { host: '127.0.0.1', port: await freePort() };
      await expectNoCost(() => make(at));
    });

    it('costs nothing more where somebody listens who never answers', async () => {
      const { make } = await start();
      const hanging = createServer((socket) => {
        sockets.add(socket);
        socket.on('error', () => undefined);
      });
      server = hanging;
      await new Promise<void>((resolve) => {
        hanging.listen(0, '127.0.0.1', resolve);
      });
      // A server that listens on a port has such an address.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      const { port } = hanging.address() as AddressInfo;
      await expectNoCost(() => make({ host: '127.0.0.1', port }));
    });

    it('costs nothing more when the line dies without a word', async () => {
      const { server: real, make } = await start();
      await using proxy = await TcpProxy.to({ host: real.host, port: real.port });
      await expectNoCost(make({ host: proxy.host, port: proxy.port }), () => {
        proxy.swallow();
      });
    });
  });
}
