import { expect } from 'chai';
import { busesOf, type Configuration } from '../../src/config/index.ts';
import { joinCluster, type Cluster, type CoherentCache } from '../../src/index.ts';
import { shardOf } from '../../src/cluster/shard-of.ts';
import { rabbitmq } from '../support/brokers.ts';
import { CommandRun, runCommand } from './command-run.ts';

/** One region on each of two channels. */
const REGIONS = ['users', 'articles'] as const;

interface Member {
  readonly cluster: Cluster;
  readonly caches: readonly CoherentCache<string>[];
}

async function member(bus: string, shards: number): Promise<Member> {
  const configuration: Configuration = { cluster: 'shop', bus, shards };
  const buses = await busesOf(configuration);
  const cluster = await joinCluster({
    name: 'shop',
    label: 'web',
    ...buses,
    expectedNodes: 1,
    lingerMs: 0,
  });
  const caches = REGIONS.map((region) =>
    cluster.cache<string>(region, { maxEntries: 10, load: (id) => id }),
  );
  for (const cache of caches) await cache.get('a');
  return { cluster, caches };
}

describe('the command, with shards', function () {
  this.timeout(120_000);
  const env = { UNSTALE_SHARDS: '2' };
  const set: { member?: Member } = {};
  let url = '';
  let urls = 0;

  beforeEach(async () => {
    urls += 1;
    url = `ipc:shards-${process.pid}-${urls}`;
    set.member = await member(url, 2);
  });
  afterEach(() => set.member?.cluster.close());

  function kept(): string[] {
    return (set.member?.caches ?? [])
      .filter((cache) => cache.peek('a') !== undefined)
      .map(({ region }) => region);
  }

  it('is tried with regions of both channels', () => {
    expect(REGIONS.map((region) => shardOf(region, 2))).to.deep.equal([0, 1]);
  });

  for (const [args, left] of [
    [['--region', 'users', 'a'], ['articles']],
    [['--region', 'articles', 'a'], ['users']],
    [['a'], []],
    [['--all'], []],
  ] as const) {
    it(`invalidates ${args.join(' ')} on the right channel`, async () => {
      const command = ['invalidate', '--bus', url, '--cluster', 'shop', '--ack', '1', ...args];
      const { code, stdout, stderr } = await runCommand(command, env);
      expect(code, stderr).to.equal(0);
      expect(stdout).to.match(/: acks; applied by web\//);
      expect(kept()).to.deep.equal(left);
    });
  }

  it('watches all channels', async () => {
    const run = new CommandRun(['watch', '--bus', url, '--cluster', 'shop', '--json'], env);
    try {
      await run.until(({ stdout }) => {
        const joined = stdout.split('\n').filter((line) => line.includes('member-joined'));
        return joined.length >= 2 ? true : undefined;
      });
      for (const region of REGIONS) await set.member?.cluster.invalidate({ region, keys: 'b' });
      for (const region of REGIONS) {
        await run.until(({ stdout }) => (stdout.includes(`"${region}/b"`) ? true : undefined));
      }
    } finally {
      await run.kill();
    }
  });

  for (const [name, urlOf] of [
    ['one machine', () => Promise.resolve(url)],
    ['RabbitMQ', async () => `${(await rabbitmq()).url}?exchange=doctor-shards-${process.pid}`],
  ] as const) {
    it(`examines each channel on ${name}`, async () => {
      const bus = await urlOf();
      const other = name === 'RabbitMQ' ? await member(bus, 2) : undefined;
      const args = ['doctor', '--json', '--timeout', '3', '--bus', bus, '--cluster', 'shop'];
      const { code, stdout, stderr } = await runCommand(args, env);
      await other?.cluster.close();
      expect(code, stdout + stderr).to.equal(0);
      const { findings }: { findings: readonly Record<string, string>[] } = JSON.parse(stdout);
      const heard = findings.filter(({ check }) => check === 'loopback').map(({ shard }) => shard);
      const [first, second] = heard;
      expect(second).to.equal(`${first}-1`);
      expect(heard).to.have.lengthOf(2);
      expect(findings.at(-1)?.['text']).to.match(/every member answers: web/);
    });
  }
});
