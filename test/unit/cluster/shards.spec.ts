import { expect } from 'chai';
import { shardOf } from '../../../src/cluster/shard-of.ts';
import { Gate } from '../cache/gate.ts';
import { failureOf } from '../cache/lone-node.ts';
import { turn } from '../cache/virtual-runtime.ts';
import { BOUND_MS, fill, regionOn, REGIONS, served, ShardedSite } from './sharded-site.ts';

describe('a cluster whose regions are divided among channels', () => {
  let site = new ShardedSite();
  beforeEach(() => {
    site = new ShardedSite();
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
      site = new ShardedSite();
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
