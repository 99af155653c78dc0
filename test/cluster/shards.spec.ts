import { expect } from 'chai';
import { shardOf } from '../../src/cluster/shard-of.ts';
import { busesOf, clusterOptionsOf, type Configuration } from '../../src/config/index.ts';
import { joinCluster, type Cluster, type CoherentCache } from '../../src/index.ts';
import { amqpServer } from '../support/servers.ts';
import { until } from './until.ts';

const REGIONS = Array.from({ length: 30 }, (_, index) => `region-${index}`);

interface Node {
  readonly cluster: Cluster;
  readonly caches: readonly CoherentCache<string>[];
}

async function join(configuration: Configuration): Promise<Node> {
  const cluster = await joinCluster({
    ...clusterOptionsOf(configuration),
    ...(await busesOf(configuration)),
  });
  const caches = REGIONS.map((region) =>
    cluster.cache<string>(region, { maxEntries: 10, load: (id) => id }),
  );
  return { cluster, caches };
}

/** What a configuration file would say. */
async function configurationOf(label: string, shards: number): Promise<Configuration> {
  const { host, port, username, password } = await amqpServer();
  const exchange = `shards-${process.pid}`;
  const amqp = { host, port, username, password, exchange };
  const more = { expectedNodes: 2, maxStalenessMs: 2_000, forgetAfterMs: 4_000, lingerMs: 0 };
  return { cluster: 'shop', label, transport: 'amqp', amqp, shards, ...more };
}

describe('two channels of RabbitMQ', function () {
  this.timeout(180_000);
  const nodes: Node[] = [];

  before('RabbitMQ runs', () => amqpServer());
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(({ cluster }) => cluster.close()));
  });

  it('carry each region on its own exchange, both ways, with everybody acknowledging', async () => {
    for (const label of ['one', 'other']) nodes.push(await join(await configurationOf(label, 2)));
    const [one, other] = nodes;
    if (one === undefined || other === undefined) throw new Error('no nodes');
    await Promise.all(nodes.map(({ cluster }) => cluster.ready()));
    const used = new Set(REGIONS.map((region) => shardOf(region, 2)));
    expect([...used]).to.have.members([0, 1]);
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      for (const cache of to.caches) await cache.get('a');
      const results = await Promise.all(
        from.caches.map((cache) => cache.invalidate('a', { ack: 'all' })),
      );
      expect(new Set(results.map(({ by }) => by))).to.deep.equal(new Set(['acks']));
      expect(to.caches.filter((cache) => cache.peek('a') !== undefined)).to.deep.equal([]);
    }
    const published = one.cluster.status().shards?.map(({ counters }) => counters.published);
    expect(Math.min(...(published ?? [0]))).to.be.above(0);
  });

  it('and three are noticed on the exchange that both share, and trusted again when all have two', async () => {
    for (const label of ['one', 'other']) nodes.push(await join(await configurationOf(label, 2)));
    const [one] = nodes;
    if (one === undefined) throw new Error('no node');
    await Promise.all(nodes.map(({ cluster }) => cluster.ready()));
    const third = await join(await configurationOf('third', 3));
    const differs = (): boolean =>
      one.cluster.status().members.some(({ note }) => note === 'shards-differ');
    await until('the third is noticed', differs);
    for (const cache of one.caches) await cache.get('a');
    await until(
      'nothing is served that is older than the bound',
      () => one.caches.every((cache) => cache.peek('a') === undefined),
      { withinMs: 10_000 },
    );
    await third.cluster.close();
    await until('all are alike', () => !differs());
    for (const cache of one.caches) await cache.get('b');
    const loadedAtMs = performance.now();
    await until('three bounds have passed', () => performance.now() - loadedAtMs > 6_000);
    expect(one.caches.filter((cache) => cache.peek('b') === undefined)).to.deep.equal([]);
  });
});
