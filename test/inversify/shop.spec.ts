import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { activemq, prosody, rabbitmq } from '../support/brokers.ts';
import { ShopProcess } from './shop-process.ts';

/** One file for all transports: the sections of the others stay. */
async function configurationFile(folder: string): Promise<string> {
  const [xmpp, stomp, amqp] = await Promise.all([prosody(), activemq(), rabbitmq()]);
  const account = { username: 'unstale', password: { env: 'SHOP_PASSWORD' } };
  const file = join(folder, 'unstale.json');
  const configuration = {
    cluster: 'shop',
    expectedNodes: 2,
    maxStalenessMs: 10_000,
    ipc: { channel: 'shop', folder: join(folder, 'ipc') },
    xmpp: {
      service: `xmpp://127.0.0.1:${xmpp.port}`,
      domain: xmpp.domain,
      room: `shop-${process.pid}@${xmpp.mucDomain}`,
      ...account,
    },
    stomp: { host: '127.0.0.1', port: stomp.port, topic: `shop-${process.pid}`, ...account },
    amqp: { host: '127.0.0.1', port: amqp.port, exchange: `shop-${process.pid}`, ...account },
    caches: { articles: { maxEntries: 100, ttlMs: 3_600_000 } },
  };
  await writeFile(file, JSON.stringify(configuration));
  return file;
}

async function get(url: string): Promise<string> {
  return await (await fetch(url)).text();
}

/** Reads until the other server's save is seen; it fails if that takes longer than an eviction does. */
async function readUntil(url: string, expected: string, withinMs: number): Promise<string> {
  const deadline = performance.now() + withinMs;
  let text = await get(url);
  while (text !== expected && performance.now() < deadline) text = await get(url);
  return text;
}

const LIBRARIES = {
  ipc: [],
  xmpp: ['@xmpp/client'],
  stomp: ['stompit'],
  amqp: ['amqplib'],
} as const;

describe('the example shop, put together by inversify', function () {
  this.timeout(120_000);
  const place = { folder: '' };

  beforeEach(async () => {
    place.folder = await mkdtemp(join(tmpdir(), 'unstale-shop-'));
  });
  afterEach(async () => {
    await rm(place.folder, { recursive: true });
  });

  for (const [transport, libraries] of Object.entries(LIBRARIES)) {
    it(`agrees across two processes with UNSTALE_TRANSPORT=${transport}, and loads no other client library`, async () => {
      const env = {
        UNSTALE_CONFIG: await configurationFile(place.folder),
        UNSTALE_TRANSPORT: transport,
        SHOP_PASSWORD: 'unstale-secret',
      };
      const articles = join(place.folder, 'articles');
      const shops = [new ShopProcess(articles, env), new ShopProcess(articles, env)] as const;
      try {
        const [here, there] = await Promise.all(shops.map((shop) => shop.url()));
        // It listens only once both count on each other.
        expect(JSON.parse(await get(`${there}/health`))).to.include({ ready: true, members: 1 });
        expect(await get(`${there}/articles/a`)).to.match(/no such article/);
        for (const text of ['one', 'two', 'three']) {
          await fetch(`${here}/articles/a`, { method: 'PUT', body: text });
          expect(await readUntil(`${there}/articles/a`, text, 2_000)).to.equal(text);
          expect(await get(`${here}/articles/a`)).to.equal(text);
        }
        expect(await Promise.all(shops.map((shop) => shop.terminate()))).to.deep.equal([0, 0]);
        expect(shops[0].clientLibraries).to.deep.equal(libraries);
      } finally {
        await Promise.all(shops.map((shop) => shop.terminate()));
      }
    });
  }
});
