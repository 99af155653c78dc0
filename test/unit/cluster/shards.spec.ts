import { expect } from 'chai';
import { memoryBus, memoryNetwork, type MemoryNetwork } from '../../../adapters/memory/index.ts';
import { shardOf } from '../../../src/cluster/shard-of.ts';
import {
  BusError,
  joinCluster,
  onTelemetry,
  type BusChoice,
  type Cluster,
  type CoherentCache,
  type InvalidationBus,
  type Report,
} from '../../../src/index.ts';
import { Gate } from '../cache/gate.ts';
import { failureOf } from '../cache/lone-node.ts';
import { turn, VirtualRuntime } from '../cache/virtual-runtime.ts';
import { ScriptedBus } from './scripted-bus.ts';

const BOUND_MS = 3_000;
const REGIONS = Array.from({ length: 40 }, (_, index) => `region-${index}`);

/** A process with shards, and all it has told. */
interface Process {
  readonly cluster: Cluster;
  readonly caches: ReadonlyMap<string, CoherentCache<string>>;
  readonly source: { version: number };
}

/** Processes on the channels of one network, in one virtual time. */
class Site {
  readonly network: MemoryNetwork = memoryNetwork();
  readonly runtime = new VirtualRuntime();
  readonly source = { version: 0 };
  readonly #processes: Process[] = [];

  async join(
    label: string,
    shards: number,
    options: { readonly expectedNodes?: number } = {},
  ): Promise<Process> {
    const channels = Array.from({ length: shards }, (_, index) =>
      memoryBus({
        channel: index === 0 ? 'shop' : `shop-${index}`,
        network: this.network,
        name: `${label}-${index}`,
      }),
    );
    const cluster = await joinCluster({
      name: 'test',
      label,
      shards: channels,
      maxStalenessMs: BOUND_MS,
      lingerMs: 0,
      runtime: this.runtime,
      ...options,
    });
    const caches = new Map(
      REGIONS.map((region) => [
        region,
        cluster.cache<string>(region, {
          maxEntries: 10,
          load: (id) => `${id} ${this.source.version}`,
        }),
      ]),
    );
    const process = { cluster, caches, source: this.source };
    this.#processes.push(process);
    return process;
  }

  /** Processes that know each other, and trust what they hear. */
  async cluster(shards: number, ...labels: string[]): Promise<Process[]> {
    const processes: Process[] = [];
    for (const label of labels) {
      processes.push(await this.join(label, shards, { expectedNodes: labels.length }));
    }
    await this.until(() => processes.every(({ cluster }) => cluster.status().ready));
    await this.runtime.pass(BOUND_MS);
    return processes;
  }

  async until(isSo: () => boolean, withinMs = 30_000): Promise<void> {
    for (let passedMs = 0; !isSo(); passedMs += 100) {
      if (passedMs > withinMs) throw new Error(`it was not so within ${withinMs} ms`);
      await this.runtime.pass(100);
    }
  }

  async leave({ cluster }: Process): Promise<void> {
    const closed = cluster.close();
    await this.runtime.pass(5_000);
    await closed;
  }

  async close(): Promise<void> {
    for (const process of this.#processes) await this.leave(process);
  }
}

/** Loads `key` into every cache. */
async function fill({ caches }: Process, key = 'a'): Promise<void> {
  for (const cache of caches.values()) await cache.get(key);
}

/** The regions in which `key` is still served. */
function served({ caches }: Process, key = 'a'): string[] {
  return [...caches].filter(([, cache]) => cache.peek(key) !== undefined).map(([region]) => region);
}

function notesOf({ cluster }: Process): string[] {
  return cluster.status().members.map(({ note }) => note);
}

/** A region that is on channel `index` where there are `shards`. */
function regionOn(index: number, shards: number): string {
  const region = REGIONS.find((one) => shardOf(one, shards) === index);
  if (region === undefined) throw new Error('there is no such region');
  return region;
}

describe('a cluster whose regions are divided among channels', () => {
  let site = new Site();
  beforeEach(() => {
    site = new Site();
  });
  afterEach(() => site.close());

  it('hears every invalidation of every region, and keeps for long what nobody names', async () => {
    const [one, other] = await site.cluster(2, 'one', 'other');
    if (one === undefined || other === undefined) throw new Error('no processes');
    for (const process of [one, other]) {
      await fill(process, 'a');
      await fill(process, 'b');
    }
    for (const region of REGIONS) await one.caches.get(region)?.invalidate('a');
    await turn();
    expect(served(other, 'a')).to.deep.equal([]);
    await site.runtime.pass(3 * BOUND_MS);
    expect(served(other, 'b'), 'proven on both channels').to.deep.equal(REGIONS);
    expect(served(one, 'b')).to.deep.equal(REGIONS);
  });

  it('publishes a region on its own channel and no other, and what names no region on the first', async () => {
    const [one] = await site.cluster(3, 'one', 'other');
    if (one === undefined) throw new Error('no process');
    const published = (): (number | undefined)[] =>
      (one.cluster.status().shards ?? []).map(({ counters }) => counters.published);
    expect(published()).to.deep.equal([0, 0, 0]);
    for (const [index, before] of [
      [0, [1, 0, 0]],
      [1, [1, 1, 0]],
      [2, [1, 1, 1]],
    ] as const) {
      await one.cluster.invalidate({ region: regionOn(index, 3), keys: 'a' });
      expect(published()).to.deep.equal(before);
    }
    await one.caches.get(regionOn(2, 3))?.write('a', () => undefined);
    expect(published()).to.deep.equal([1, 1, 2]);
    await one.cluster.invalidate({ keys: 'a' });
    await one.cluster.invalidate({ all: true });
    expect(published()).to.deep.equal([3, 1, 2]);
  });

  it('drops in every region what names no region, and says once who has acknowledged', async () => {
    const [one, other] = await site.cluster(3, 'one', 'other');
    if (one === undefined || other === undefined) throw new Error('no processes');
    for (const what of [{ keys: 'a' }, { all: true }]) {
      await fill(one);
      await fill(other);
      const call = one.cluster.invalidate(what, { ack: 'all' });
      await site.runtime.pass(1_000);
      expect(await call).to.deep.equal({ by: 'acks', acked: [other.cluster.origin], missing: [] });
      expect(served(other)).to.deep.equal([]);
      expect(served(one)).to.deep.equal([]);
    }
  });

  it('drops in every region what a person says, on whichever channel', async () => {
    const [one] = await site.cluster(2, 'one');
    if (one === undefined) throw new Error('no process');
    for (const channel of ['shop', 'shop-1']) {
      await fill(one);
      site.network.sendForeign(channel, 'a');
      await turn();
      expect(served(one), channel).to.deep.equal([]);
    }
  });

  it('keeps guarded writes of different channels apart', async () => {
    const [one] = await site.cluster(2, 'one');
    const [first, second] = [0, 1].map((index) => one?.caches.get(regionOn(index, 2)));
    if (first === undefined || second === undefined) throw new Error('no caches');
    const gate = new Gate();
    const slow = first.write('a', () => gate.promise);
    await second.write('a', () => undefined);
    await first.get('a');
    expect(first.peek('a'), 'in quarantine until its own write has ended').to.equal(undefined);
    gate.open();
    await slow;
    await first.get('a');
    expect(first.peek('a')).to.equal('a 0');
  });

  it('is ready, settled and open only where all its channels are, and says which one is not', async () => {
    const [one, other] = await site.cluster(2, 'one', 'other');
    if (one === undefined || other === undefined) throw new Error('no processes');
    const healthy = one.cluster.status();
    expect(healthy).to.include({ bus: 'open', settled: true, ready: true, boundMs: BOUND_MS });
    expect(healthy.members.map(({ note }) => note)).to.deep.equal(['proven', 'proven']);
    expect(healthy.shards?.map(({ node }) => node)).to.have.lengthOf(2);
    const beats = healthy.shards?.map(({ counters }) => counters.beatsSent) ?? [];
    expect(healthy.counters.beatsSent).to.equal((beats[0] ?? 0) + (beats[1] ?? 0));

    site.network.sever('one-1');
    await turn();
    const ill = one.cluster.status();
    expect(ill.bus).to.equal('away');
    expect(ill.busProblem?.code).to.be.a('string');
    expect(ill.shards?.map(({ bus }) => bus)).to.deep.equal(['open', 'away']);

    site.network.sever('other-1');
    const late = await site.join('late', 2, { expectedNodes: 3 });
    await site.runtime.pass(BOUND_MS);
    const waiting = late.cluster.status();
    expect(waiting).to.include({ settled: false, ready: false });
    expect(waiting.shards?.map(({ settled }) => settled)).to.deep.equal([true, false]);
    expect(waiting.shards?.map(({ ready }) => ready)).to.deep.equal([true, false]);
    const ready = late.cluster.ready({ signal: AbortSignal.timeout(1) });
    expect(await failureOf(ready)).to.have.property('name', 'TimeoutError');
  });

  it('loses trust in its own regions where a channel is away, and in all where it is the first', async () => {
    for (const [index, kept] of [
      [1, REGIONS.filter((region) => shardOf(region, 2) === 0)],
      [0, []],
    ] as const) {
      site = new Site();
      const [one] = await site.cluster(2, 'one', 'other');
      if (one === undefined) throw new Error('no process');
      await fill(one);
      site.network.sever(`one-${index}`);
      await site.runtime.pass(3 * BOUND_MS);
      expect(served(one), `without channel ${index}`).to.deep.equal(kept);
      await site.close();
    }
  });

  it('takes one bus in a list for what it is: a cluster with one bus', async () => {
    const one = await site.join('one', 1, { expectedNodes: 1 });
    expect(one.cluster.status()).not.to.have.property('shards');
  });
});

describe('nodes that divide the regions in different ways', () => {
  let site = new Site();
  beforeEach(() => {
    site = new Site();
  });
  afterEach(() => site.close());

  for (const [k, other] of [
    [2, 3],
    [3, 2],
    [1, 2],
    [2, 1],
    [4, 1],
  ] as const) {
    it(`VER-3 with ${k} and ${other} trust each other on no channel, serve nothing beyond the bound, and recover when one leaves`, async () => {
      const reports: Report[] = [];
      const stop = onTelemetry('unstale:report', ({ report }) => {
        if (report.type === 'shards-differ') reports.push(report);
      });
      const [stays] = await site.cluster(k, 'stays', 'too');
      if (stays === undefined) throw new Error('no process');
      await fill(stays);
      await site.runtime.pass(2 * BOUND_MS);
      expect(served(stays), 'before').to.deep.equal(REGIONS);

      const leaves = await site.join('leaves', other);
      await site.runtime.pass(500);
      expect(notesOf(stays)).to.include('shards-differ');
      await fill(stays, 'b');
      await fill(leaves, 'b');
      site.source.version = 1;
      for (const cache of leaves.caches.values()) await cache.invalidate('b');
      for (const cache of stays.caches.values()) await cache.invalidate('b');
      await site.runtime.pass(BOUND_MS);
      expect(served(stays), 'of regions that change').to.deep.equal([]);
      expect(served(leaves), 'of regions that change').to.deep.equal([]);
      await fill(stays, 'c');
      await site.runtime.pass(BOUND_MS);
      expect(served(stays, 'c'), 'on any channel').to.deep.equal([]);

      // Published last where nobody may have listened: what was loaded before is not trusted after the bye either.
      await fill(stays, 'd');
      site.source.version = 2;
      for (const cache of leaves.caches.values()) await cache.invalidate('d');
      await site.leave(leaves);
      for (const cache of stays.caches.values()) {
        const value = cache.peek('d');
        if (value !== undefined) expect(value).to.equal('d 2');
      }
      await fill(stays, 'e');
      await site.runtime.pass(3 * BOUND_MS);
      expect(served(stays, 'e'), 'after').to.deep.equal(REGIONS);
      stop();
      const told = reports.flatMap((report) => ('ours' in report ? [report.ours] : []));
      expect(new Set(told)).to.deep.equal(new Set([k, other]));
    });
  }

  it('VER-3 wait for the bound where all are to acknowledge', async () => {
    const [stays] = await site.cluster(3, 'stays', 'too');
    await site.join('fewer', 2);
    await site.runtime.pass(500);
    const call = stays?.cluster.invalidate({ region: regionOn(2, 3), keys: 'a' }, { ack: 'all' });
    await site.runtime.pass(2 * BOUND_MS);
    expect((await call)?.by).to.equal('lease');
  });

  it('VER-3 hear no bye on the first channel while a guarded write is under way on another', async () => {
    const [stays] = await site.cluster(2, 'stays');
    const leaves = await site.join('leaves', 3);
    await site.runtime.pass(500);
    const gate = new Gate();
    const slow = leaves.caches.get(regionOn(2, 3))?.write('a', () => gate.promise);
    await site.leave(leaves);
    if (stays === undefined) throw new Error('no process');
    expect(notesOf(stays)).to.include('shards-differ');
    gate.open();
    await slow;
  });
});

function buses(count: number): InvalidationBus[] {
  return Array.from({ length: count }, (_, index) => memoryBus({ channel: `joining-${index}` }));
}

describe('joining with shards', () => {
  const [one] = buses(1);
  const WRONG: readonly (readonly [string, unknown, RegExp])[] = [
    ['neither bus nor shards', {}, /either bus or shards.*neither/],
    ['both', { bus: one, shards: buses(2) }, /either bus or shards.*both/],
    ['no list', { shards: one }, /a list of 1 to 64 buses/],
    ['an empty list', { shards: [] }, /a list of 1 to 64 buses/],
    ['65 buses', { shards: buses(65) }, /a list of 1 to 64 buses/],
    ['the same bus twice', { shards: [one, one] }, /different buses/],
    ['something that is no bus', { shards: [one, 'amqp://h'] }, /shards\[1\] must be a bus/],
    ['no bus', { bus: 7 }, /bus must be a bus/],
  ];
  for (const [what, given, message] of WRONG) {
    it(`refuses ${what}`, async () => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what JavaScript may pass
      const error = await failureOf(joinCluster({ name: 'test', ...(given as BusChoice) }));
      expect(error).to.be.instanceOf(TypeError);
      expect(error).to.have.property('message').that.matches(message);
    });
  }

  it('takes 64', async () => {
    const cluster = await joinCluster({ name: 'test', shards: buses(64), lingerMs: 0 });
    expect(cluster.status().shards).to.have.lengthOf(64);
    await cluster.close();
  });

  it('closes the others, and says why, where one does not open', async () => {
    const network = memoryNetwork();
    network.refuse('BUS_ACCESS_DENIED', 'second');
    const shards = ['first', 'second', 'third'].map((name) =>
      memoryBus({ channel: name, network, name }),
    );
    const error = await failureOf(joinCluster({ name: 'test', shards }));
    expect(error).to.be.instanceOf(BusError).and.have.property('code', 'BUS_ACCESS_DENIED');
    expect(shards.map(({ state }) => state)).to.deep.equal(['closed', 'closed', 'closed']);
  });

  it('waits for no broker where each is made by a function', async () => {
    const network = memoryNetwork();
    network.sever();
    const runtime = new VirtualRuntime();
    const shards = ['first', 'second'].map(
      (name) => () => memoryBus({ channel: name, network, name }),
    );
    const cluster = await joinCluster({ name: 'test', shards, runtime, lingerMs: 0 });
    expect(cluster.status().bus).to.equal('away');
    const closed = cluster.close();
    await runtime.pass(10_000);
    await closed;
  });

  it('closes all of them, leaves no timer, and refuses what comes after', async () => {
    const bus = new ScriptedBus();
    const other = new ScriptedBus();
    const runtime = new VirtualRuntime();
    const cluster = await joinCluster({ name: 'test', shards: [bus, other], runtime, lingerMs: 0 });
    const closed = cluster.close();
    await runtime.pass(10_000);
    await closed;
    expect([bus.state, other.state]).to.deep.equal(['closed', 'closed']);
    expect(runtime.timers).to.equal(0);
    expect(await failureOf(cluster.invalidate({ keys: 'a' }))).to.have.property(
      'code',
      'CACHE_CLOSED',
    );
  });
});
