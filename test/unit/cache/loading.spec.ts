import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { CacheError, type CoherentCache, type LoadContext } from '../../../src/index.ts';
import { failureOf, Nodes } from './lone-node.ts';
import { Source } from './source.ts';
import { turn } from './virtual-runtime.ts';

describe('loading', () => {
  const nodes = new Nodes();
  afterEach(() => nodes.close());

  it('shares one load among all who read the key meanwhile', async () => {
    const { cluster } = await nodes.lone();
    const source = new Source();
    const cache = cluster.cache('r', { maxEntries: 10, load: source.load });
    const reads = Array.from({ length: 100 }, () => cache.get('a'));
    source.last.answer();
    expect(new Set(await Promise.all(reads))).to.deep.equal(new Set(['a@1']));
    expect(cache.stats()).to.include({ loads: 1, joinedLoads: 99, misses: 100 });
  });

  it('caches nothing when a load fails, and asks again', async () => {
    const { cluster } = await nodes.lone();
    const source = new Source();
    const cache = cluster.cache('r', { maxEntries: 10, load: source.load });
    const reads = [cache.get('a'), cache.get('a')];
    const down = new Error('down');
    source.last.fail(down);
    for (const read of reads) expect(await failureOf(read)).to.equal(down);
    expect(cache.stats()).to.include({ entries: 0, failedLoads: 1, loading: 0 });
    const again = cache.get('a');
    source.last.answer();
    expect(await again).to.equal('a@1');
  });

  it('takes a loader that throws at once for one that fails', async () => {
    const { cluster } = await nodes.lone();
    const down = new Error('down');
    const cache = cluster.cache<string>('r', {
      maxEntries: 10,
      load: () => {
        throw down;
      },
      loadMany: () => {
        throw down;
      },
    });
    expect(await failureOf(cache.get('a'))).to.equal(down);
    expect(await failureOf(cache.getMany(['a', 'b']))).to.equal(down);
    expect(cache.stats().loading).to.equal(0);
  });

  it('wraps what a loader rejects with that is no error', async () => {
    const { cluster } = await nodes.lone();
    const source = new Source();
    const cache = cluster.cache('r', { maxEntries: 10, load: source.load });
    const read = cache.get('a');
    source.last.fail('nope');
    const error = await failureOf(read);
    expect(error).to.be.instanceOf(CacheError);
    expect(error).to.include({ code: 'LOAD_FAILED', cause: 'nope' });
  });

  it('refuses what `loadMany` returns that is no Map', async () => {
    const { cluster } = await nodes.lone();
    const cache = cluster.cache('r', {
      maxEntries: 10,
      // @ts-expect-error: what a program without types may return.
      loadMany: () => ({ a: 1 }),
    });
    expect(await failureOf(cache.getMany(['a']))).to.include({ code: 'LOAD_FAILED' });
  });

  it('gives a loader that never settles up after `loadTimeoutMs`, and tells it so', async () => {
    const { cluster, runtime } = await nodes.lone();
    const source = new Source();
    const cache = cluster.cache('r', { maxEntries: 10, loadTimeoutMs: 500, load: source.load });
    const read = failureOf(cache.get('a'));
    await runtime.pass(499);
    expect(source.last.context.signal.aborted).to.equal(false);
    await runtime.pass(1);
    expect(await read).to.include({ code: 'LOAD_TIMEOUT' });
    expect(source.last.context.signal.aborted).to.equal(true);
    source.last.answer();
    await turn();
    expect(cache.stats()).to.include({ entries: 0, loading: 0, failedLoads: 1 });
  });

  it('lets a reader give up alone; the load goes on for the others', async () => {
    const { cluster } = await nodes.lone();
    const source = new Source();
    const cache = cluster.cache('r', { maxEntries: 10, load: source.load });
    const [impatient, patient] = [new AbortController(), new AbortController()];
    const gone = failureOf(cache.get('a', { signal: impatient.signal }));
    const stays = cache.get('a', { signal: patient.signal });
    const reason = new Error('enough');
    impatient.abort(reason);
    expect(await gone).to.equal(reason);
    expect(source.last.context.signal.aborted).to.equal(false);
    source.last.answer();
    expect(await stays).to.equal('a@1');
  });

  it('aborts a load that nobody waits for any more; the next reader begins a new one', async () => {
    const { cluster } = await nodes.lone();
    const source = new Source();
    const cache = cluster.cache('r', { maxEntries: 10, load: source.load });
    const abort = new AbortController();
    const reads = [1, 2].map(() => failureOf(cache.get('a', { signal: abort.signal })));
    abort.abort(new Error('enough'));
    await Promise.all(reads);
    expect(source.last.context.signal.aborted).to.equal(true);
    source.commit('a');
    const again = cache.get('a');
    for (const asked of source.asked) asked.answer();
    expect(await again).to.equal('a@2');
    expect(cache.peek('a')).to.equal('a@2');
  });

  it('aborts a load of many when nobody waits for any of its keys', async () => {
    const { cluster } = await nodes.lone();
    const source = new Source();
    const cache = cluster.cache('r', {
      maxEntries: 10,
      load: source.load,
      loadMany: source.loadMany,
    });
    const [many, one] = [new AbortController(), new AbortController()];
    const gone = failureOf(cache.getMany(['a', 'b'], { signal: many.signal }));
    const other = failureOf(cache.get('a', { signal: one.signal }));
    many.abort(new Error('enough'));
    await gone;
    expect(source.last.context.signal.aborted).to.equal(false);
    one.abort(new Error('enough'));
    await other;
    expect(source.last.context.signal.aborted).to.equal(true);
  });

  it('does not begin at all for a reader who has given up already, and still serves him a hit', async () => {
    const { cluster } = await nodes.lone();
    const source = new Source();
    const cache = cluster.cache('r', { maxEntries: 10, load: source.load });
    const signal = AbortSignal.abort(new Error('before'));
    for (const work of [
      cache.get('a', { signal }),
      cache.getMany(['a'], { signal }),
      cache.getEntry('a', { signal }),
    ]) {
      expect(String(await failureOf(work))).to.equal('Error: before');
    }
    expect(source.asked).to.have.length(0);
    await cache.get('b', { load: () => 'B' });
    expect(await cache.get('b', { signal })).to.equal('B');
  });

  it('ends every load when the cluster is closed, and keeps nothing that comes later', async () => {
    const { cluster } = await nodes.lone();
    const source = new Source();
    const cache = cluster.cache('r', {
      maxEntries: 10,
      keepInvalidated: true,
      serveStaleOnErrorMs: 60_000,
      load: source.load,
      loadMany: source.loadMany,
    });
    await cache.get('kept', { load: () => 'kept' });
    const reads = [failureOf(cache.get('a')), failureOf(cache.getMany(['b', 'c']))];
    await cluster.close();
    for (const read of reads) expect(await read).to.include({ code: 'CACHE_CLOSED' });
    for (const asked of source.asked) asked.answer();
    await turn();
    expect(cache.stats()).to.include({ entries: 0, loading: 0 });
    for (const work of [
      cache.get('kept'),
      cache.getEntry('kept', { onLoadError: 'invalidated' }),
      cache.getMany(['kept']),
      cache.invalidate('kept'),
      cache.flush(),
      cache.write('kept', () => 1),
      cluster.invalidate({ all: true }),
    ]) {
      expect(await failureOf(work)).to.include({ code: 'CACHE_CLOSED' });
    }
    expect(() => cluster.cache('s', { maxEntries: 1 })).to.throw(CacheError, /was closed/);
    expect(() => cluster.attach('s', new Map())).to.throw(CacheError, /was closed/);
  });

  describe('when a loader asks the cache for what it loads', () => {
    it('says so, instead of waiting for itself', async () => {
      const { cluster } = await nodes.lone();
      const cache: CoherentCache<string> = cluster.cache<string>('r', {
        maxEntries: 10,
        load: async (key) => {
          await turn();
          return await cache.get(key);
        },
        loadMany: async (keys) => await cache.getMany(keys),
      });
      for (const work of [cache.get('a'), cache.getMany(['a', 'b']), cache.getEntry('a')]) {
        const error = await failureOf(work);
        expect(error).to.include({ code: 'LOAD_RECURSIVE' });
        expect(String(error)).to.match(/"a" in "r" waits for itself.*read the source instead/);
      }
    });

    it('says so also when it asks by way of another key, or another cache', async () => {
      const { cluster } = await nodes.lone();
      const first: CoherentCache<string> = cluster.cache<string>('first', {
        maxEntries: 10,
        load: async () => await second.get('b'),
      });
      const second: CoherentCache<string> = cluster.cache<string>('second', {
        maxEntries: 10,
        load: async () => await first.get('a'),
      });
      expect(await failureOf(first.get('a'))).to.include({ code: 'LOAD_RECURSIVE' });
    });

    it('says so also when two loads that began apart wait for each other', async () => {
      const { cluster } = await nodes.lone();
      const cache: CoherentCache<string> = cluster.cache<string>('r', {
        maxEntries: 10,
        load: async (key) => {
          await turn();
          return await cache.get(key === 'a' ? 'b' : 'a');
        },
      });
      const reads = [cache.get('a'), cache.get('b')];
      for (const read of reads)
        expect(await failureOf(read)).to.include({ code: 'LOAD_RECURSIVE' });
    });

    it('lets it ask for what is cached, and for other keys', async () => {
      const { cluster } = await nodes.lone();
      const cache: CoherentCache<string> = cluster.cache<string>('r', {
        maxEntries: 10,
        load: async (key) =>
          key === 'sum' ? `${await cache.get('a')}${await cache.get('b')}` : key,
      });
      expect(await cache.get('sum')).to.equal('ab');
    });

    it('does not hold what runs on after a load has ended for a part of it', async () => {
      const { cluster } = await nodes.lone();
      const later: Promise<string>[] = [];
      const cache: CoherentCache<string> = cluster.cache<string>('r', {
        maxEntries: 10,
        load: (key) => {
          // As the timer of a connection pool that is made by the first load.
          if (later.length === 0) later.push(sleep(5).then(() => cache.get(key)));
          return key;
        },
      });
      await cache.get('a');
      await cache.invalidate('a');
      expect(await Promise.all(later)).to.deep.equal(['a']);
    });
  });

  describe('what else can be wrong', () => {
    it('reports a tag function that throws, or returns no tags, and keeps nothing', async () => {
      const { cluster } = await nodes.lone();
      const cache = cluster.cache<unknown>('r', {
        maxEntries: 10,
        load: (key) => key,
        loadMany: (keys) => new Map(keys.map((key) => [key, key])),
        // @ts-expect-error: what a program without types may return.
        tags: (key) => {
          if (key === 'throws') throw new Error('no tags');
          if (key === 'good') return ['fine'];
          return { number: [7], text: 'tag', empty: [''], long: ['x'.repeat(2_000)] }[key];
        },
      });
      for (const key of ['throws', 'number', 'text', 'empty', 'long', 'nothing']) {
        const error = await failureOf(cache.get(key));
        expect(error, key).to.include({ code: 'TAGS_INVALID' });
        expect(await failureOf(cache.getMany(['good', key]))).to.include({ code: 'TAGS_INVALID' });
      }
      expect(cache.stats()).to.include({ entries: 1, loading: 0 });
      await cache.invalidate({ tags: 'fine' });
      expect(cache.stats()).to.include({ entries: 0, tags: 0 });
    });

    it('reports a `sizeOf` that throws, or returns no size', async () => {
      const { cluster } = await nodes.lone();
      const cache = cluster.cache<number>('r', {
        maxEntries: 10,
        maxSize: 10,
        sizeOf: (value) => {
          if (value === 0) throw new Error('no size');
          return value;
        },
        load: (key) => Number(key),
      });
      for (const key of ['0', '-1', 'NaN']) {
        expect(await failureOf(cache.get(key))).to.include({ code: 'SIZE_INVALID' });
      }
      for (const key of ['0.5', '3', 'Infinity']) await cache.get(key);
      expect([cache.has('0.5'), cache.has('3'), cache.has('Infinity')]).to.deep.equal([
        true,
        true,
        false,
      ]);
    });

    it('keeps the list of tags as it was, even if its maker changes it', async () => {
      const { cluster } = await nodes.lone();
      const list = ['t'];
      const cache = cluster.cache('r', { maxEntries: 10, load: (key) => key, tags: () => list });
      await cache.get('a');
      list[0] = 'other';
      await cache.invalidate({ tags: 't' });
      expect(cache.stats()).to.include({ entries: 0, tags: 0 });
    });

    it('does not count a drop that a tag function or `sizeOf` makes as older than the load', async () => {
      const { cluster } = await nodes.lone();
      for (const name of ['tags', 'sizeOf'] as const) {
        const drop = (): void => {
          cache.invalidateLocal('a');
        };
        const cache: CoherentCache<string> = cluster.cache<string>(name, {
          maxEntries: 10,
          maxSize: 10,
          load: (key) => key,
          tags: () => {
            if (name === 'tags') drop();
            return [];
          },
          sizeOf: () => {
            if (name === 'sizeOf') drop();
            return 1;
          },
        });
        await cache.get('a');
        expect(cache.has('a'), name).to.equal(false);
      }
    });

    it('tells a loader of `setAge` without a second level', async () => {
      const { cluster } = await nodes.lone();
      const cache = cluster.cache('r', {
        maxEntries: 10,
        load: (key: string, context: LoadContext) => {
          context.setAge(5);
          return key;
        },
      });
      const error = await failureOf(cache.get('a'));
      expect(error).to.be.instanceOf(TypeError);
      expect(String(error)).to.match(/sharedLevel: true/);
    });

    it('serves what a caller has done to a value: values are not copied', async () => {
      const { cluster } = await nodes.lone();
      const cache = cluster.cache('r', { maxEntries: 10, load: () => ({ title: 'old' }) });
      const article = await cache.get('a');
      article.title = 'changed';
      expect(await cache.get('a')).to.deep.equal({ title: 'changed' });
    });
  });
});
