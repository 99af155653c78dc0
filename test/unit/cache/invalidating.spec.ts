import { expect } from 'chai';
import { memoryNetwork } from '../../../adapters/memory/index.ts';
import { BOUND_MS, failureOf, Nodes, passAll } from './lone-node.ts';
import { turn } from './virtual-runtime.ts';

const KEYS = ['a:1', 'a:2', 'b:1', 'b:2'];

describe('invalidating', () => {
  const nodes = new Nodes();
  afterEach(() => nodes.close());

  async function pair(count = 2) {
    const network = memoryNetwork();
    const all = await nodes.several(count, {}, network);
    const caches = all.map(({ cluster }) =>
      cluster.cache('r', {
        maxEntries: 10,
        load: (key) => key,
        tags: (key) => [`kind:${key[0]}`, `number:${key.slice(2)}`],
      }),
    );
    for (const cache of caches) await cache.getMany(KEYS);
    const [here, there] = caches;
    if (here === undefined || there === undefined) throw new Error('two nodes are wanted');
    const left = (): readonly (readonly string[])[] =>
      [here, there].map((cache) => KEYS.filter((key) => cache.has(key)));
    return { network, all, here, there, left };
  }

  for (const [title, what, left] of [
    ['one key', 'a:1', ['a:2', 'b:1', 'b:2']],
    ['many keys', ['a:1', 'b:2', 'c:7'], ['a:2', 'b:1']],
    ['a set of keys', new Set(['a:1']), ['a:2', 'b:1', 'b:2']],
    ['a tag', { tags: 'kind:a' }, ['b:1', 'b:2']],
    ['tags', { tags: ['kind:a', 'number:1'] }, ['b:2']],
    ['a prefix', { prefixes: 'b:' }, ['a:1', 'a:2']],
    ['prefixes', { prefixes: ['a:1', 'b'] }, ['a:2']],
    ['keys, tags and prefixes', { keys: 'a:1', tags: 'number:2', prefixes: 'z' }, ['b:1']],
    ['nothing', [], KEYS],
  ] as const) {
    it(`drops ${title} here and on the other node, and nothing else`, async () => {
      const { here, left: leftNow } = await pair();
      expect(await here.invalidate(what)).to.deep.equal({ by: 'bus', acked: [], missing: [] });
      await turn();
      expect(leftNow()).to.deep.equal([left, left]);
    });
  }

  it('drops a region with `flush`, and with `cluster.invalidate` any region or all of them', async () => {
    const { all, here, there, left } = await pair();
    const other = all[1]?.cluster.cache('other', { maxEntries: 10, load: (key) => key });
    await other?.get('a:1');
    await here.flush();
    await turn();
    expect(left()).to.deep.equal([[], []]);
    expect(other?.has('a:1')).to.equal(true);

    await there.getMany(KEYS);
    await all[0]?.cluster.invalidate({ keys: 'a:1' });
    await turn();
    expect([there.has('a:1'), other?.has('a:1'), there.has('a:2')]).to.deep.equal([
      false,
      false,
      true,
    ]);
    await other?.get('a:1');
    await all[0]?.cluster.invalidate({ region: 'r', all: true });
    await turn();
    expect([there.has('a:2'), other?.has('a:1')]).to.deep.equal([false, true]);
    await all[0]?.cluster.invalidate({ all: true });
    await turn();
    expect(other?.has('a:1')).to.equal(false);
  });

  it('drops only here with `invalidateLocal`, and publishes nothing', async () => {
    const { all, here, left } = await pair();
    const published = all[0]?.cluster.status().counters.published;
    here.invalidateLocal(['a:1']);
    here.invalidateLocal({ tags: 'number:2', prefixes: 'b' });
    await turn();
    expect(left()).to.deep.equal([[], KEYS]);
    expect(all[0]?.cluster.status().counters.published).to.equal(published);
  });

  it('takes a million keys in one call', async function () {
    this.timeout(120_000);
    const { here, left } = await pair();
    const keys = Array.from({ length: 1_000_000 }, (_, index) => `a:${index}`);
    expect((await here.invalidate(keys)).by).to.equal('bus');
    await turn();
    // More than are gathered by name become the region: more is dropped than was asked for, and never less.
    expect(left()[0]).to.deep.equal(['b:1', 'b:2']);
    expect(left()[1]).to.not.include('a:1');
  });

  it('reads a million keys in one call', async function () {
    this.timeout(120_000);
    const { cluster } = await nodes.lone();
    const cache = cluster.cache<string>('r', {
      maxEntries: 10,
      loadMany: (missing) => new Map(missing.map((key) => [key, key])),
    });
    const keys = Array.from({ length: 1_000_000 }, (_, index) => `a:${index}`);
    const found = await cache.getMany(keys);
    expect(found.size).to.equal(1_000_000);
    expect(cache.stats()).to.include({ entries: 10, loading: 0, loads: 1 });
  });

  it('names who has acknowledged, with `ack: "all"`', async () => {
    const { all, here } = await pair(3);
    const told = here.invalidate('a:1', { ack: 'all' });
    await passAll(all, 200);
    const { by, acked, missing } = await told;
    expect(by).to.equal('acks');
    expect(acked.toSorted()).to.deep.equal(
      all
        .slice(1)
        .map(({ cluster }) => cluster.origin)
        .toSorted(),
    );
    expect(missing).to.deep.equal([]);
  });

  it('is content with so many acknowledgements as are asked for', async () => {
    const { all, here } = await pair(3);
    const [, , silent] = all;
    const rest = all.slice(0, 2);
    const told = here.invalidate('a:1', { ack: 1 });
    await passAll(rest, 200);
    const { by, acked, missing } = await told;
    expect(by).to.equal('acks');
    expect(acked).to.deep.equal([rest[1]?.cluster.origin]);
    expect(missing).to.deep.equal([silent?.cluster.origin]);
  });

  it('ends with the bound, and names who is missing', async () => {
    const { network, all, here } = await pair();
    network.setFaults({ drop: 1 });
    const told = here.invalidate('a:1', { ack: 'all' });
    await passAll(all, BOUND_MS + 50);
    expect(await told).to.deep.equal({
      by: 'lease',
      acked: [],
      missing: [all[1]?.cluster.origin],
    });
  });

  it('ends with `timeoutMs`, and is published all the same', async () => {
    const { all, here, left } = await pair();
    const told = here.invalidate('a:1', { ack: 'all', timeoutMs: 10 });
    await turn();
    expect(left()[1], 'it was heard').to.not.include('a:1');
    // The other one does not come to acknowledge it.
    await all[0]?.runtime.pass(10);
    expect(await told).to.deep.equal({
      by: 'timeout',
      acked: [],
      missing: [all[1]?.cluster.origin],
    });
  });

  it('ends when the caller gives up, and is published all the same; not if he had given up before', async () => {
    const { here, left } = await pair();
    const abort = new AbortController();
    const told = failureOf(here.invalidate('a:1', { ack: 'all', signal: abort.signal }));
    abort.abort(new Error('enough'));
    expect(String(await told)).to.equal('Error: enough');
    await turn();
    expect(left()[1]).to.not.include('a:1');
    await failureOf(here.invalidate('a:2', { signal: abort.signal }));
    await turn();
    expect(left()[0]).to.include('a:2');
  });

  it('is applied here at once while the bus is away, and sent when it is back', async () => {
    const { network, all, here, left } = await pair();
    network.sever('n1');
    await turn();
    expect((await here.invalidate('a:1')).by).to.equal('local');
    expect(left()).to.deep.equal([['a:2', 'b:1', 'b:2'], KEYS]);
    network.heal();
    for (let round = 0; round < 100 && all[0]?.cluster.status().bus === 'away'; round += 1) {
      // The bus attaches anew on the clock of the machine.
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
      await passAll(all, 50);
    }
    await passAll(all, 200);
    expect(left()[1]).to.not.include('a:1');
  });

  it('says what is wrong with what it is given', async () => {
    const { here } = await pair();
    for (const [options, message] of [
      [{ ack: 'some' }, /ack must be "bus", "all" or a number of members from 1, got some/],
      [{ ack: 0 }, /got 0/],
      [{ ack: 1.5 }, /got 1.5/],
      [{ timeoutMs: -1 }, /timeoutMs must be a number of ms from 0, got -1/],
    ] as const) {
      // @ts-expect-error: what a program without types may pass.
      const error = await failureOf(here.invalidate('a:1', options));
      expect(error).to.be.instanceOf(TypeError);
      expect(String(error)).to.match(message);
    }
    for (const what of [{ tags: [''] }, { prefixes: '' }, { keys: [7] }, { tags: 7 }, null, 7]) {
      // @ts-expect-error: the same.
      expect(await failureOf(here.invalidate(what))).to.be.instanceOf(TypeError);
    }
  });

  it('refuses a region that this node has already, and names that mean something else', async () => {
    const [{ cluster } = { cluster: undefined }] = await nodes.several(1);
    const make = (region: string): unknown => cluster?.cache(region, { maxEntries: 1 });
    make('r');
    expect(() => make('r')).to.throw(TypeError, /has a cache "r" already; share it/);
    expect(() => make('*')).to.throw(TypeError, /means every region/);
    expect(() => make('')).to.throw(TypeError, /must not be empty/);
    expect(() => make('x'.repeat(129))).to.throw(TypeError, /at most 128/);
  });

  for (const [options, message] of [
    [{}, /maxEntries must be a whole number from 1, got undefined/],
    [{ maxEntries: 0 }, /got 0/],
    [{ maxEntries: 1, maxSize: 5 }, /maxSize and sizeOf go together/],
    [{ maxEntries: 1, maxSize: 0.5, sizeOf: () => 1 }, /maxSize must be a whole number from 1/],
    [{ maxEntries: 1, ttlMs: -1 }, /ttlMs must be a number of ms from 0, got -1/],
    [{ maxEntries: 1, ttlMs: Number.NaN }, /ttlMs .* got NaN/],
    [{ maxEntries: 1, settleMs: '5' }, /settleMs .* got string/],
    [{ maxEntries: 1, ttlJitter: 2 }, /ttlJitter must be a number from 0 to 1/],
    [{ maxEntries: 1, load: 'x' }, /load must be a function/],
    [{ maxEntries: 1, sharedLevel: 1 }, /sharedLevel must be true or false/],
    [{ maxEntries: 1, onUnproven: 'panic' }, /onUnproven must be one of ttl, bypass, stale, flush/],
  ] as const) {
    it(`refuses the options ${JSON.stringify(options)}`, async () => {
      const { cluster } = await nodes.lone();
      // @ts-expect-error: what a program without types may pass.
      expect(() => cluster.cache('r', options)).to.throw(TypeError, message);
    });
  }
});
