import { expect } from 'chai';
import { failureOf, Nodes } from './lone-node.ts';
import { Source } from './source.ts';
import { turn } from './virtual-runtime.ts';

describe('reading a cache', () => {
  const nodes = new Nodes();
  afterEach(() => nodes.close());

  it('loads what is missing, and serves it from then on without the loader', async () => {
    const { cluster } = await nodes.lone();
    const source = new Source();
    const cache = cluster.cache('r', { maxEntries: 10, load: source.now });
    expect(cache.peek('a')).to.equal(undefined);
    expect(cache.has('a')).to.equal(false);
    expect(await cache.get('a')).to.equal('a@1');
    source.commit('a');
    expect(await cache.get('a')).to.equal('a@1');
    expect(cache.peek('a')).to.equal('a@1');
    expect(cache.has('a')).to.equal(true);
    expect(cache.stats()).to.include({ hits: 1, misses: 1, loads: 1, entries: 1 });
  });

  it('says with `getEntry` how old a value is, when its load began, what is proven and its tags', async () => {
    const { cluster, runtime } = await nodes.lone();
    const source = new Source();
    const cache = cluster.cache('r', {
      maxEntries: 10,
      load: source.load,
      tags: (key) => [`t:${key}`],
    });
    const startMs = runtime.localMs();
    const loading = cache.getEntry('a');
    await runtime.pass(40);
    source.last.answer();
    const loaded = await loading;
    expect(loaded).to.deep.equal({
      value: 'a@1',
      ageMs: 40,
      loadStartMs: startMs,
      proven: true,
      tags: ['t:a'],
      state: 'current',
    });
    await runtime.pass(60);
    expect(await cache.getEntry('a')).to.include({ ageMs: 100, loadStartMs: startMs });
  });

  it('counts the age of a value that was voided while it loaded from the start of its load, too', async () => {
    const { cluster, runtime } = await nodes.lone();
    const source = new Source();
    const cache = cluster.cache('r', { maxEntries: 10, load: source.load });
    const loading = cache.getEntry('a');
    await runtime.pass(25);
    cache.invalidateLocal('a');
    source.last.answer();
    expect(await loading).to.include({ value: 'a@1', ageMs: 25, state: 'current' });
    expect(cache.has('a')).to.equal(false);
  });

  it('counts the TTL from the start of the load', async () => {
    const { cluster, runtime } = await nodes.lone();
    const source = new Source();
    const cache = cluster.cache('r', { maxEntries: 10, ttlMs: 100, load: source.load });
    const loading = cache.get('a');
    await runtime.pass(40);
    source.last.answer();
    await loading;
    await runtime.pass(59);
    expect(cache.has('a')).to.equal(true);
    await runtime.pass(1);
    expect(cache.has('a')).to.equal(false);
  });

  it('caches `undefined` and `null` as well, for a TTL of their own', async () => {
    const { cluster, runtime } = await nodes.lone();
    let loads = 0;
    const cache = cluster.cache<string | null | undefined>('r', {
      maxEntries: 10,
      ttlMs: 1_000,
      negativeTtlMs: 100,
      load: (key) => {
        loads += 1;
        return key === 'null' ? null : undefined;
      },
    });
    for (const key of ['null', 'undefined']) {
      await cache.get(key);
      await cache.get(key);
      expect(cache.has(key)).to.equal(true);
    }
    expect(loads).to.equal(2);
    await runtime.pass(100);
    expect(cache.has('null')).to.equal(false);
    expect(cache.has('undefined')).to.equal(false);
  });

  it('leaves a part of the TTL to chance', async () => {
    const { cluster, runtime } = await nodes.lone();
    const cache = cluster.cache('r', {
      maxEntries: 10,
      ttlMs: 1_000,
      ttlJitter: 0.5,
      load: (key) => key,
    });
    runtime.drawn = 1;
    await cache.get('short');
    runtime.drawn = 0;
    await cache.get('long');
    runtime.drawn = undefined;
    await runtime.pass(500);
    expect(cache.has('short')).to.equal(false);
    await runtime.pass(499);
    expect(cache.has('long')).to.equal(true);
    await runtime.pass(1);
    expect(cache.has('long')).to.equal(false);
  });

  it('lets no value live longer than `maxTtlMs`, whatever the TTL says', async () => {
    const { cluster, runtime } = await nodes.lone();
    const cache = cluster.cache('r', {
      maxEntries: 10,
      ttlMs: 10_000,
      negativeTtlMs: 10_000,
      maxTtlMs: 200,
      load: (key): string | undefined => (key === 'none' ? undefined : key),
    });
    await cache.getMany(['a', 'none']);
    await runtime.pass(199);
    expect([cache.has('a'), cache.has('none')]).to.deep.equal([true, true]);
    await runtime.pass(1);
    expect([cache.has('a'), cache.has('none')]).to.deep.equal([false, false]);
  });

  it('takes a loader for one call instead of its own', async () => {
    const { cluster } = await nodes.lone();
    const cache = cluster.cache<string>('r', { maxEntries: 10 });
    expect(await cache.get('a', { load: (key) => `${key}!` })).to.equal('a!');
    expect(await cache.get('a')).to.equal('a!');
    const error = await failureOf(cache.get('b'));
    expect(error).to.be.instanceOf(TypeError);
    expect(String(error)).to.match(/has no loader/);
  });

  it('brings all that is missing of many keys with one call of `loadMany`', async () => {
    const { cluster } = await nodes.lone();
    const calls: (readonly string[])[] = [];
    const cache = cluster.cache('r', {
      maxEntries: 10,
      load: (key: string) => key,
      loadMany: (keys) => {
        calls.push(keys);
        return new Map(keys.map((key) => [key, key.toUpperCase()]));
      },
    });
    await cache.getMany(['a', 'b']);
    const found = await cache.getMany(['a', 'b', 'c', 'd', 'd', 'a']);
    expect(calls).to.deep.equal([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    expect(Object.fromEntries(found)).to.deep.equal({ a: 'A', b: 'B', c: 'C', d: 'D' });
    expect(cache.stats()).to.include({ loads: 2, misses: 4, hits: 2 });
  });

  it('holds a key that `loadMany` leaves out for `undefined`, and passes over one that it adds', async () => {
    const { cluster } = await nodes.lone();
    const cache = cluster.cache<string | undefined>('r', {
      maxEntries: 10,
      loadMany: () =>
        new Map([
          ['a', 'A'],
          ['z', 'Z'],
        ]),
    });
    const found = await cache.getMany(['a', 'b']);
    expect([...found]).to.deep.equal([
      ['a', 'A'],
      ['b', undefined],
    ]);
    expect([cache.has('b'), cache.has('z')]).to.deep.equal([true, false]);
  });

  it('calls `load` for each of many keys where there is no `loadMany`', async () => {
    const { cluster } = await nodes.lone();
    const source = new Source();
    const cache = cluster.cache('r', { maxEntries: 10, load: source.load });
    const loading = cache.getMany(['a', 'b']);
    await turn();
    for (const asked of source.asked) asked.answer();
    expect([...(await loading).values()]).to.deep.equal(['a@1', 'b@1']);
    expect(source.asked.map(({ keys }) => keys)).to.deep.equal([['a'], ['b']]);
  });

  it('joins loads that are under way when it reads many', async () => {
    const { cluster } = await nodes.lone();
    const source = new Source();
    const cache = cluster.cache('r', {
      maxEntries: 10,
      load: source.load,
      loadMany: source.loadMany,
    });
    const one = cache.get('a');
    const many = cache.getMany(['a', 'b']);
    const other = cache.get('b');
    expect(source.asked.map(({ keys }) => keys)).to.deep.equal([['a'], ['b']]);
    for (const asked of source.asked) asked.answer();
    expect(await one).to.equal('a@1');
    expect((await many).size).to.equal(2);
    expect(await other).to.equal('b@1');
  });

  it('keeps at most `maxEntries`, and never evicts what was read lately', async () => {
    const { cluster } = await nodes.lone();
    const cache = cluster.cache('r', { maxEntries: 100, load: (key) => key });
    await cache.get('hot');
    for (let index = 0; index < 1_000; index += 1) {
      await cache.get(`cold:${index}`);
      expect(cache.peek('hot')).to.equal('hot');
    }
    expect(cache.stats()).to.include({ entries: 100, evicted: 901 });
  });

  it('keeps at most `maxSize`, and returns what is too large without keeping it', async () => {
    const { cluster } = await nodes.lone();
    const cache = cluster.cache('r', {
      maxEntries: 1_000,
      maxSize: 100,
      sizeOf: (value: string) => value.length,
      load: (key) => 'x'.repeat(Number(key)),
      tags: () => ['t'],
    });
    await cache.getMany(['60', '30']);
    expect(cache.stats().entries).to.equal(2);
    await cache.get('50');
    expect([cache.has('60'), cache.has('30'), cache.has('50')]).to.deep.equal([false, true, true]);
    expect(await cache.get('101')).to.have.length(101);
    expect(cache.has('101')).to.equal(false);
    await cache.invalidate({ tags: 't' });
    expect(cache.stats()).to.include({ entries: 0, tags: 0 });
  });

  it('evicts by reading, too, where `maxSize` is the bound', async () => {
    const { cluster } = await nodes.lone();
    const cache = cluster.cache('r', {
      maxEntries: 1_000_000,
      maxSize: 10,
      sizeOf: () => 1,
      load: (key) => key,
    });
    await cache.get('hot');
    for (let index = 0; index < 100; index += 1) {
      await cache.get(`cold:${index}`);
      expect(cache.peek('hot')).to.equal('hot');
    }
  });

  it('says what is wrong with a key', async () => {
    const { cluster } = await nodes.lone();
    const cache = cluster.cache('r', { maxEntries: 10, load: (key) => key });
    for (const [key, message] of [
      ['', /must not be empty/],
      ['x'.repeat(100_000), /at most 1024 characters, got 100000; hash longer ones/],
    ] as const) {
      for (const work of [
        cache.get(key),
        cache.getMany([key]),
        cache.getEntry(key),
        cache.invalidate(key),
        cache.write(key, () => 1),
      ]) {
        const error = await failureOf(work);
        expect(error).to.be.instanceOf(TypeError);
        expect(String(error)).to.match(message);
      }
      expect(cache.peek(key)).to.equal(undefined);
    }
    // @ts-expect-error: what a program without types may pass.
    expect(String(await failureOf(cache.get(7)))).to.match(/a key must be a string, got number/);
    // @ts-expect-error: the same.
    expect(String(await failureOf(cache.getMany(7)))).to.match(/expected a key, or an iterable/);
  });

  it('takes any other text for a key', async () => {
    const { cluster } = await nodes.lone();
    const cache = cluster.cache('r', { maxEntries: 20, load: (key) => key });
    const keys = [
      '\u0000',
      'a\nb',
      '*',
      '/',
      '__proto__',
      'constructor',
      '\ud800',
      '\udc00x',
      '🙂',
    ];
    for (const key of keys) expect(await cache.get(key)).to.equal(key);
    await cache.invalidate('\ud800');
    expect(keys.filter((key) => !cache.has(key))).to.deep.equal(['\ud800']);
    await cache.invalidate('*');
    expect(keys.filter((key) => !cache.has(key))).to.deep.equal(['*', '\ud800']);
  });
});
