import { expect } from 'chai';
import { memoryNetwork } from '../../../adapters/memory/index.ts';
import type { OnUnproven } from '../../../src/index.ts';
import { BOUND_MS, Nodes, passAll } from '../cache/lone-node.ts';
import { Source } from '../cache/source.ts';

/** The rules of reading and loading, each once and by its name; test/unit/cache has them in all their cases. */
describe('reading and loading', () => {
  const nodes = new Nodes();
  afterEach(() => nodes.close());

  /** A reader whose only peer cannot be heard from now on. */
  async function parted(onUnproven: OnUnproven) {
    const network = memoryNetwork();
    const both = await nodes.several(2, { forgetAfterMs: 3_600_000 }, network);
    const [reader] = both;
    if (reader === undefined) throw new Error('two nodes are wanted');
    const source = new Source();
    const cache = reader.cluster.cache('r', { maxEntries: 10, onUnproven, load: source.now });
    await cache.get('a');
    network.setFaults({ drop: 1 });
    return { cache, pass: (ms: number) => passAll(both, ms), runtime: reader.runtime };
  }

  it('READ-1 serves what is young enough or proven, by the clock at the moment of the read', async () => {
    const { cache, pass, runtime } = await parted('ttl');
    await pass(BOUND_MS - 100);
    expect(cache.peek('a')).to.equal('a@1');
    runtime.block(101);
    expect(cache.peek('a'), 'no timer had to run').to.equal(undefined);
  });

  for (const [policy, within, beyond] of [
    ['ttl', true, false],
    ['bypass', false, false],
    ['stale', true, true],
    ['flush', true, false],
  ] as const) {
    it(`READ-2 without proof, "${policy}" serves a value within the bound: ${within}, and beyond it: ${beyond}`, async () => {
      const { cache, pass } = await parted(policy);
      await pass(2 * BOUND_MS);
      await cache.get('b');
      expect(cache.has('b')).to.equal(within);
      expect(cache.has('a')).to.equal(beyond);
    });
  }

  it('READ-3 lets nothing live beyond `maxTtlMs`, however well it is proven', async () => {
    const { cluster, runtime } = await nodes.lone();
    const cache = cluster.cache('r', { maxEntries: 10, maxTtlMs: 20_000, load: (key) => key });
    await cache.get('a');
    await runtime.pass(19_900);
    expect(cache.has('a')).to.equal(true);
    await runtime.pass(200);
    expect(cache.has('a')).to.equal(false);
  });

  it('READ-4 a machine that was suspended serves nothing that has become too old meanwhile', async () => {
    const { cache, runtime } = await parted('ttl');
    runtime.suspend(BOUND_MS + 1);
    expect(cache.has('a')).to.equal(false);
  });

  it('LOAD-1 a load that began before an invalidation is neither stored nor joined after it', async () => {
    const { cluster } = await nodes.lone();
    const source = new Source();
    const cache = cluster.cache('r', { maxEntries: 10, load: source.load });
    const before = cache.get('a');
    source.commit('a');
    await cache.invalidate('a');
    const after = cache.get('a');
    for (const asked of source.asked) asked.answer();
    expect(await before).to.equal('a@1');
    expect(await after).to.equal('a@2');
    expect(cache.peek('a')).to.equal('a@2');
  });

  for (const what of [{ keys: 'a' }, { prefixes: 'a' }, { tags: 'tag' }] as const) {
    it(`LOAD-2 loads under way are hit by ${JSON.stringify(what)} as entries are`, async () => {
      const { cluster } = await nodes.lone();
      const source = new Source();
      const options = { maxEntries: 10, load: source.load, tags: () => ['tag'] };
      const cache = cluster.cache('r', options);
      const before = cache.get('a');
      await cache.invalidate(what);
      source.last.answer();
      await before;
      expect(cache.has('a')).to.equal(false);
    });
  }

  it('LOAD-3 while replicas settle a load is served and not stored', async () => {
    const { cluster, runtime } = await nodes.lone();
    const cache = cluster.cache('r', { maxEntries: 10, settleMs: 200, load: (key) => key });
    await cache.invalidate('a');
    expect(await cache.get('a')).to.equal('a');
    expect(cache.has('a')).to.equal(false);
    await runtime.pass(201);
    await cache.get('a');
    expect(cache.has('a')).to.equal(true);
  });

  it('LOAD-4 a value from a second level is as old here as it was there', async () => {
    const { cluster, runtime } = await nodes.lone();
    const options = { maxEntries: 10, ttlMs: 10_000, sharedLevel: true };
    const cache = cluster.cache<string>('r', {
      ...options,
      load: (key, { setAge }) => {
        setAge(9_000);
        return key;
      },
    });
    await runtime.pass(20_000);
    await cache.get('a');
    expect(cache.has('a')).to.equal(true);
    await runtime.pass(1_001);
    expect(cache.has('a')).to.equal(false);
  });
});
