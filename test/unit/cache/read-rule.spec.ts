import { expect } from 'chai';
import { memoryNetwork } from '../../../adapters/memory/index.ts';
import type { OnUnproven } from '../../../src/index.ts';
import { BOUND_MS, failureOf, Nodes, passAll } from './lone-node.ts';
import { Source } from './source.ts';
import { turn } from './virtual-runtime.ts';

describe('what may be served', () => {
  const nodes = new Nodes();
  afterEach(() => nodes.close());

  /** A reader and a writer that hear each other, and a way to part them. */
  async function pair(onUnproven: OnUnproven) {
    const network = memoryNetwork();
    const both = await nodes.several(2, { forgetAfterMs: 3_600_000 }, network);
    const [reader, writer] = both;
    if (reader === undefined || writer === undefined) throw new Error('two nodes are wanted');
    const source = new Source();
    const options = { maxEntries: 10, onUnproven, load: source.now };
    return {
      source,
      cache: reader.cluster.cache('r', options),
      writer: writer.cluster.cache('r', options),
      pass: (ms: number) => passAll(both, ms),
      part: () => {
        network.setFaults({ drop: 1 });
      },
      rejoin: () => {
        network.setFaults({});
      },
    };
  }

  it('is everything that was not invalidated, as long as the others are heard', async () => {
    for (const policy of ['ttl', 'bypass', 'stale', 'flush'] as const) {
      const { cache, source, pass } = await pair(policy);
      await cache.get('a');
      source.commit('a');
      await pass(3 * BOUND_MS);
      expect(cache.peek('a'), policy).to.equal('a@1');
      expect((await cache.getEntry('a')).proven).to.equal(true);
      await nodes.close();
    }
  });

  it('is by `ttl`, once they are not heard, what was loaded within the bound, and nothing older', async () => {
    const { cache, source, writer, pass, part } = await pair('ttl');
    await cache.get('a');
    part();
    source.commit('a');
    await writer.invalidate('a');
    await pass(BOUND_MS / 2);
    expect(cache.peek('a'), 'within the bound').to.equal('a@1');
    await pass(BOUND_MS / 2);
    expect(cache.peek('a'), 'beyond it').to.equal(undefined);
    expect(await cache.get('a')).to.equal('a@2');
    await pass(BOUND_MS - 50);
    expect(cache.peek('a'), 'young enough').to.equal('a@2');
    expect((await cache.getEntry('a')).proven).to.equal(false);
    await pass(50);
    expect(cache.peek('a')).to.equal(undefined);
  });

  it('is by `bypass` nothing while they are not heard; readers still share loads', async () => {
    const { cache, pass, part, rejoin } = await pair('bypass');
    await cache.get('a');
    part();
    await pass(BOUND_MS);
    expect(cache.peek('a')).to.equal(undefined);
    const before = cache.stats();
    await Promise.all([cache.get('a'), cache.get('a')]);
    expect(cache.stats().loads).to.equal(before.loads + 1);
    expect(cache.peek('a'), 'not even what was just loaded').to.equal(undefined);
    rejoin();
    await pass(2 * BOUND_MS);
    await cache.get('a');
    expect(cache.peek('a')).to.equal('a@1');
  });

  it('is by `stale` everything, and the entry says that it is not proven', async () => {
    const { cache, source, pass, part } = await pair('stale');
    await cache.get('a');
    part();
    source.commit('a');
    await pass(10 * BOUND_MS);
    expect(cache.peek('a')).to.equal('a@1');
    expect(await cache.getEntry('a')).to.include({ value: 'a@1', proven: false });
  });

  it('names a node that serves stale in `missing`, although the bound has passed', async () => {
    const network = memoryNetwork();
    const both = await nodes.several(2, { forgetAfterMs: 3_600_000 }, network);
    const [reader, writer] = both;
    reader?.cluster.cache('r', { maxEntries: 10, onUnproven: 'stale' });
    await passAll(both, BOUND_MS);
    network.setFaults({ drop: 1 });
    const told = writer?.cluster.invalidate({ keys: 'a' }, { ack: 'all' });
    await passAll(both, BOUND_MS + 100);
    expect(await told).to.deep.equal({
      by: 'lease',
      acked: [],
      missing: [reader?.cluster.origin],
    });
  });

  it('is by `flush` nothing of before the loss, once for each loss, and then as by `ttl`', async () => {
    const { cache, pass, part, rejoin } = await pair('flush');
    const flushesAfter = async (): Promise<number> => {
      await cache.getMany(['a', 'b']);
      part();
      await pass(BOUND_MS + 100);
      expect(cache.has('a')).to.equal(false);
      expect(cache.stats().entries).to.equal(0);
      await cache.getMany(['a', 'b']);
      await pass(BOUND_MS - 100);
      expect(cache.has('a'), 'young enough').to.equal(true);
      await pass(BOUND_MS);
      const { flushes } = cache.stats();
      rejoin();
      await pass(2 * BOUND_MS);
      return flushes;
    };
    const first = await flushesAfter();
    expect(await flushesAfter(), 'the second loss').to.be.greaterThan(first);
    expect(cache.stats().dropped.unproven).to.be.greaterThan(0);
  });

  it('is nothing that has become too old while the event loop was blocked', async () => {
    const { cluster, runtime } = await nodes.lone();
    const cache = cluster.cache('r', { maxEntries: 10, load: (key) => key });
    await cache.get('a');
    runtime.block(BOUND_MS + 1_000);
    expect(cache.peek('a')).to.equal(undefined);
  });

  it('is nothing that has become too old while the machine was suspended', async () => {
    const { cluster, runtime } = await nodes.lone();
    const cache = cluster.cache('r', { maxEntries: 10, ttlMs: 3_600_000, load: (key) => key });
    await cache.get('a');
    runtime.suspend(BOUND_MS + 1_000);
    expect(cache.peek('a')).to.equal(undefined);
  });

  it('is joined no longer than the bound, even while it still loads', async () => {
    const { cluster, runtime } = await nodes.lone();
    const source = new Source();
    const cache = cluster.cache('r', { maxEntries: 10, load: source.load });
    const slow = cache.get('a');
    runtime.block(BOUND_MS + 1);
    const next = cache.get('a');
    expect(source.asked).to.have.length(2);
    for (const asked of source.asked) asked.answer();
    await Promise.all([slow, next]);
  });

  describe('while replicas lag (`settleMs`)', () => {
    it('is loaded anew and not kept until they have settled; readers share loads meanwhile', async () => {
      const { cluster, runtime } = await nodes.lone();
      const source = new Source();
      const cache = cluster.cache('r', { maxEntries: 10, settleMs: 200, load: source.load });
      await cache.get('b', { load: () => 'b' });
      await cache.invalidate('a');
      await runtime.pass(199);
      const reads = [cache.get('a'), cache.get('a')];
      expect(source.asked).to.have.length(1);
      source.last.answer();
      await Promise.all(reads);
      expect([cache.has('a'), cache.has('b')]).to.deep.equal([false, true]);
      await runtime.pass(2);
      const settled = cache.get('a');
      source.last.answer();
      await settled;
      expect(cache.has('a')).to.equal(true);
    });

    it('is not joined by a reader who comes after that, if its load began before', async () => {
      const { cluster, runtime } = await nodes.lone();
      const source = new Source();
      const cache = cluster.cache('r', { maxEntries: 10, settleMs: 200, load: source.load });
      await cache.invalidate({ prefixes: 'a' });
      const lagging = cache.get('a');
      source.commit('a');
      await runtime.pass(201);
      const settled = cache.get('a');
      for (const asked of source.asked) asked.answer();
      expect(await lagging).to.equal('a@1');
      expect(await settled).to.equal('a@2');
      expect(cache.peek('a')).to.equal('a@2');
    });

    it('goes by tags as well', async () => {
      const { cluster, runtime } = await nodes.lone();
      const cache = cluster.cache('r', {
        maxEntries: 10,
        settleMs: 200,
        load: (key) => key,
        tags: () => ['t'],
      });
      await cache.invalidate({ tags: 't' });
      await cache.get('a');
      expect(cache.has('a')).to.equal(false);
      await runtime.pass(201);
      await cache.get('a');
      expect(cache.has('a')).to.equal(true);
    });
  });

  describe('when a load fails (`serveStaleOnErrorMs`)', () => {
    const TTL_MS = 1_000;

    async function scene(options: { keepInvalidated?: boolean; maxTtlMs?: number } = {}) {
      const { cluster, runtime } = await nodes.lone();
      const state = { down: false };
      const cache = cluster.cache('r', {
        maxEntries: 10,
        ttlMs: TTL_MS,
        serveStaleOnErrorMs: 500,
        load: (key: string) => {
          // What `fetch` rejects with when it reaches nobody.
          if (state.down) throw new TypeError('fetch failed');
          return key;
        },
        ...options,
      });
      await cache.getMany(['a', 'b']);
      state.down = true;
      return { cache, runtime, cluster };
    }

    it('is what has outlived its TTL, for the stated time', async () => {
      const { cache, runtime } = await scene();
      await runtime.pass(1_499);
      expect(await cache.get('a')).to.equal('a');
      expect((await cache.getMany(['a', 'b'])).get('b')).to.equal('b');
      expect(await cache.getEntry('a')).to.include({ value: 'a', ageMs: 1_499, state: 'expired' });
      expect(cache.stats().staleServed).to.equal(4);
      await runtime.pass(1);
      expect(await failureOf(cache.get('a'))).to.be.instanceOf(TypeError);
      expect(await failureOf(cache.getMany(['a']))).to.be.instanceOf(TypeError);
    });

    it('is never what was invalidated', async () => {
      const { cache, runtime } = await scene({ keepInvalidated: true });
      await runtime.pass(1_100);
      await cache.invalidate('a');
      expect(await failureOf(cache.get('a'))).to.be.instanceOf(TypeError);
      expect(await failureOf(cache.getEntry('a'))).to.be.instanceOf(TypeError);
      expect(await cache.get('b')).to.equal('b');
    });

    it('is never what is not proven and older than the bound', async () => {
      const { cache, runtime } = await scene();
      runtime.block(1_100);
      expect(await cache.get('a')).to.equal('a');
      runtime.block(BOUND_MS);
      expect(await failureOf(cache.get('a'))).to.be.instanceOf(TypeError);
    });

    it('is nothing beyond `maxTtlMs`', async () => {
      const { cache, runtime } = await scene({ maxTtlMs: 1_200 });
      await runtime.pass(1_199);
      expect(await cache.get('a')).to.equal('a');
      await runtime.pass(1);
      expect(await failureOf(cache.get('a'))).to.be.instanceOf(TypeError);
    });

    it('is not for a reader who has given up himself', async () => {
      const { cache, runtime } = await scene();
      await runtime.pass(1_100);
      const abort = new AbortController();
      const read = failureOf(
        cache.get('a', {
          signal: abort.signal,
          load: () => new Promise(() => undefined),
        }),
      );
      await turn();
      abort.abort(new Error('enough'));
      expect(String(await read)).to.equal('Error: enough');
    });

    it('is what was invalidated only for a caller who asks for exactly that, and the result says so', async () => {
      const { cache, runtime } = await scene({ keepInvalidated: true });
      await cache.invalidate('a');
      const entry = await cache.getEntry('a', { onLoadError: 'invalidated' });
      expect(entry).to.include({ value: 'a', state: 'invalidated' });
      expect(await cache.getEntry('b')).to.include({ state: 'current' });
      runtime.block(2 * BOUND_MS);
      expect(await cache.getEntry('b', { onLoadError: 'invalidated' })).to.include({
        value: 'b',
        state: 'unproven',
        proven: false,
      });
    });

    it('has nothing that was invalidated where that is not kept', async () => {
      const { cache } = await scene();
      await cache.invalidate('a');
      const error = await failureOf(cache.getEntry('a', { onLoadError: 'invalidated' }));
      expect(error).to.be.instanceOf(TypeError);
    });
  });
});
