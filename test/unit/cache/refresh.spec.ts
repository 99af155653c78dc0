import { expect } from 'chai';
import type { CoherentCache } from '../../../src/index.ts';
import { BOUND_MS, Nodes } from './lone-node.ts';
import { Source } from './source.ts';
import { turn } from './virtual-runtime.ts';

describe('refreshing ahead of expiry', () => {
  const nodes = new Nodes();
  afterEach(() => nodes.close());

  async function scene() {
    const { cluster, runtime } = await nodes.lone();
    const source = new Source();
    const cache = cluster.cache('r', {
      maxEntries: 10,
      ttlMs: 1_000,
      refreshAheadMs: 200,
      load: source.load,
    });
    await cache.get('a', { load: source.now });
    return { cache, runtime, source };
  }

  it('serves the value that is still good while it loads the next', async () => {
    const { cache, runtime, source } = await scene();
    await runtime.pass(799);
    await cache.get('a');
    expect(source.asked, 'too early').to.have.length(0);
    await runtime.pass(2);
    source.commit('a');
    expect(await cache.get('a')).to.equal('a@1');
    expect(await cache.get('a')).to.equal('a@1');
    expect(source.asked).to.have.length(1);
    source.last.answer();
    await turn();
    expect(cache.peek('a')).to.equal('a@2');
    expect(cache.stats()).to.include({ refreshes: 1, loads: 2 });
    await runtime.pass(999);
    expect(cache.peek('a')).to.equal('a@2');
  });

  it('asks a source that fails a few times, not at every hit', async () => {
    const { cache, runtime, source } = await scene();
    await runtime.pass(801);
    for (let step = 0; step < 19; step += 1) {
      await cache.get('a');
      source.last.fail(new Error('down'));
      await runtime.pass(10);
    }
    expect(source.asked).to.have.length(4);
    expect(cache.peek('a')).to.equal('a@1');
  });

  it('goes on although a reader who joined it gives up', async () => {
    const { cache, runtime, source } = await scene();
    await runtime.pass(900);
    await cache.get('a');
    await runtime.pass(100);
    const abort = new AbortController();
    const joined = cache.get('a', { signal: abort.signal }).catch(() => 'gone');
    expect(source.asked, 'it was joined').to.have.length(1);
    abort.abort();
    expect(await joined).to.equal('gone');
    expect(source.last.context.signal.aborted).to.equal(false);
    source.last.answer();
    await turn();
    expect(cache.has('a')).to.equal(true);
  });

  it('does not fail a loader that reads its own value of before', async () => {
    const { cluster, runtime } = await nodes.lone();
    const cache: CoherentCache<number> = cluster.cache<number>('r', {
      maxEntries: 10,
      ttlMs: 1_000,
      refreshAheadMs: 200,
      load: async (key) => (cache.has(key) ? (await cache.get(key)) + 1 : 1),
    });
    await cache.get('a');
    await runtime.pass(900);
    expect(await cache.get('a')).to.equal(1);
    await turn();
    expect(cache.peek('a')).to.equal(2);
    expect(cache.stats()).to.include({ failedLoads: 0, refreshes: 1 });
  });

  it('keeps a hot entry alive while nothing is proven, although it has no TTL', async () => {
    const { cluster, runtime } = await nodes.lone();
    const source = new Source();
    const cache = cluster.cache('r', { maxEntries: 10, refreshAheadMs: 500, load: source.now });
    await cache.get('a');
    for (let step = 0; step < 50; step += 1) {
      // No timer runs, so that nothing is proven anew.
      runtime.block(BOUND_MS / 10);
      expect(cache.has('a'), `step ${step}`).to.equal(true);
      await cache.get('a');
      await turn();
    }
    expect(cache.stats().misses).to.equal(1);
  });
});
