import { expect } from 'chai';
import {
  busesOf,
  busOf,
  clusterOptionsOf,
  ConfigurationError,
  loadConfiguration,
  parseBusUrl,
  type BusConfig,
} from '../../src/config/index.ts';
import { channelOf, onShard } from '../../src/config/shard-channel.ts';
import { joinCluster } from '../../src/index.ts';

const ACCOUNT = { username: 'u', password: 'p' } as const;

describe('the shards of a configuration', () => {
  const CASES: readonly (readonly [BusConfig, string, string])[] = [
    [{ transport: 'memory', channel: 'shop' }, 'shop', 'shop-1'],
    [{ transport: 'ipc', channel: 'shop' }, 'shop', 'shop-1'],
    [
      { transport: 'xmpp', service: 'xmpp://h', room: 'cache@rooms.h', ...ACCOUNT },
      'cache@rooms.h',
      'cache-1@rooms.h',
    ],
    [
      { transport: 'xmpp', service: 'xmpp://h', room: 'odd@name@rooms.h', ...ACCOUNT },
      'odd@name@rooms.h',
      'odd@name-1@rooms.h',
    ],
    [{ transport: 'stomp', topic: 'a.b', ...ACCOUNT }, 'a.b', 'a.b-1'],
    [{ transport: 'amqp', exchange: 'cache' }, 'cache', 'cache-1'],
    [parseBusUrl('amqp://u:p@h/v?exchange=e'), 'e', 'e-1'],
    [parseBusUrl('ipc:'), 'unstale', 'unstale-1'],
  ];
  for (const [config, first, second] of CASES) {
    it(`are ${first} and ${second} on ${config.transport}, and nothing else of it changes`, () => {
      expect(onShard(config, 0)).to.deep.equal(config);
      expect(channelOf(config)).to.equal(first);
      const other = onShard(config, 1);
      expect(channelOf(other)).to.equal(second);
      const changed = Object.entries(other).filter(
        ([name, value]) => Object.entries(config).find(([key]) => key === name)?.[1] !== value,
      );
      expect(changed).to.have.lengthOf(1);
    });
  }

  it('are one bus where nothing is said, and as many as are asked for', async () => {
    const configuration = { cluster: 'shop', transport: 'memory' } as const;
    expect(await busesOf(configuration)).to.have.all.keys('bus');
    expect(await busesOf({ ...configuration, shards: 1 })).to.have.all.keys('bus');
    expect(await busesOf({ ...configuration, shards: 3 }))
      .to.have.property('shards')
      .with.lengthOf(3);
  });

  it('make a cluster, together with the other options', async () => {
    const { configuration } = await loadConfiguration({
      object: { cluster: 'shop', transport: 'memory', expectedNodes: 1, lingerMs: 0 },
      env: { UNSTALE_SHARDS: '2' },
    });
    const cluster = await joinCluster({
      ...clusterOptionsOf(configuration),
      ...(await busesOf(configuration)),
    });
    await cluster.ready();
    expect(cluster.status().shards).to.have.lengthOf(2);
    await cluster.close();
  });

  it('are not lost where one bus is asked for', async () => {
    const error: unknown = await busOf({
      cluster: 'shop',
      transport: 'memory',
      shards: 2,
    }).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(ConfigurationError);
    expect(String(error)).to.match(/shards: 2 buses are needed.*busesOf/);
  });

  for (const [text, says] of [
    ['0', /shards: too small.*>=1/i],
    ['65', /shards: too big.*<=64/i],
    ['1.5', /shards: expected int/],
    ['two', /UNSTALE_SHARDS: expected a number/],
  ] as const) {
    it(`are refused as UNSTALE_SHARDS=${text}`, async () => {
      const loading = loadConfiguration({
        object: { cluster: 'shop', transport: 'memory' },
        env: { UNSTALE_SHARDS: text },
      });
      const error: unknown = await loading.catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(ConfigurationError);
      expect(String(error)).to.match(says);
    });
  }
});
