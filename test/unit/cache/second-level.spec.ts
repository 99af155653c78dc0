import { expect } from 'chai';
import type { LoadContext } from '../../../src/index.ts';
import { failureOf, Nodes } from './lone-node.ts';
import { Source } from './source.ts';

interface Kept {
  readonly value: string;
  /** When it was read from the source, on a clock that all nodes share. */
  readonly readAtMs: number;
}

describe('a shared second level', () => {
  const nodes = new Nodes();
  afterEach(() => nodes.close());

  async function scene(options: { tags?: (key: string) => string[]; honest?: boolean } = {}) {
    const { cluster, runtime } = await nodes.lone();
    const source = new Source();
    const level = new Map<string, Kept>();
    const { honest = true } = options;
    const read = (key: string, context: LoadContext): string => {
      const kept = level.get(key);
      if (kept !== undefined && !(context.fresh && honest)) {
        context.setAge(runtime.now().wallMs - kept.readAtMs, key);
        return kept.value;
      }
      const fresh = { value: source.valueOf(key), readAtMs: runtime.now().wallMs };
      level.set(key, fresh);
      return fresh.value;
    };
    const cache = cluster.cache('r', {
      maxEntries: 10,
      ttlMs: 10_000,
      serveStaleOnErrorMs: 60_000,
      sharedLevel: true,
      load: read,
      loadMany: (keys, context) => new Map(keys.map((key) => [key, read(key, context)])),
      ...(options.tags === undefined ? {} : { tags: options.tags }),
    });
    await runtime.pass(10);
    return { cache, runtime, source, level };
  }

  it('gives a value the age that it has, so that its TTL is not counted anew', async () => {
    const { cache, runtime } = await scene();
    await cache.get('a');
    await runtime.pass(4_000);
    cache.invalidateLocal('b');
    await cache.get('b');
    await runtime.pass(5_900);
    expect(cache.has('a')).to.equal(true);
    await runtime.pass(200);
    expect(cache.has('a')).to.equal(false);
    expect(await cache.getEntry('a'), 'from the second level').to.include({ value: 'a@1' });
    expect(cache.has('a'), 'it is as old there').to.equal(false);
  });

  for (const [title, drop] of [
    ['its key', { keys: 'a' }],
    ['a tag', { tags: 'tag:a' }],
    ['a prefix', { prefixes: 'a' }],
  ] as const) {
    it(`launders nothing: what it has from before an invalidation of ${title} is passed over`, async () => {
      const { cache, source, level } = await scene({ tags: (key) => [`tag:${key}`] });
      await cache.getMany(['a', 'b']);
      source.commit('a');
      // Nobody has deleted it from the second level.
      await cache.invalidate(drop);
      expect(await cache.get('a')).to.equal('a@2');
      expect(cache.peek('a')).to.equal('a@2');
      expect(level.get('a')?.value).to.equal('a@2');
      source.commit('b');
      await cache.flush();
      const found = await cache.getMany(['a', 'b']);
      expect(found.get('b')).to.equal('b@2');
      expect(cache.peek('b')).to.equal('b@2');
    });
  }

  it('passes over, for many keys, only those that were invalidated', async () => {
    const { cache, source, runtime } = await scene();
    await cache.getMany(['a', 'b']);
    await runtime.pass(100);
    source.commit('a');
    source.commit('b');
    await cache.invalidate('a');
    cache.invalidateLocal('b');
    await runtime.pass(100);
    const { loads } = cache.stats();
    expect((await cache.getMany(['a', 'c'])).get('a')).to.equal('a@2');
    expect(cache.stats().loads).to.equal(loads + 2);
  });

  it('counts what was read before this node began as not known: an invalidation of then was not heard', async () => {
    const { cache, source, level, runtime } = await scene();
    level.set('a', { value: 'a@0', readAtMs: runtime.now().wallMs - 1_000 });
    expect(await cache.get('a')).to.equal(source.valueOf('a'));
  });

  it('fails a load that brings an old value although it was told to pass the second level over', async () => {
    const { cache, source } = await scene({ honest: false });
    await cache.get('a');
    source.commit('a');
    await cache.invalidate('a');
    expect(await failureOf(cache.get('a'))).to.include({ code: 'LOAD_LAUNDERED' });
    expect(await failureOf(cache.getMany(['a']))).to.include({ code: 'LOAD_LAUNDERED' });
    expect(cache.stats()).to.include({ entries: 0, loading: 0, staleServed: 0 });
  });

  it('would launder without `setAge`: the test would see it', async () => {
    const { cluster } = await nodes.lone();
    const source = new Source();
    const level = new Map<string, string>();
    const cache = cluster.cache('r', {
      maxEntries: 10,
      load: (key) => {
        const value = level.get(key) ?? source.valueOf(key);
        level.set(key, value);
        return value;
      },
    });
    await cache.get('a');
    source.commit('a');
    await cache.invalidate('a');
    expect(await cache.get('a')).to.equal('a@1');
  });

  it('takes an age from 0 only', async () => {
    const { cluster, runtime } = await nodes.lone();
    const cache = cluster.cache('r', {
      maxEntries: 10,
      sharedLevel: true,
      load: (key: string, context) => {
        context.setAge(Number(key));
        return key;
      },
    });
    await runtime.pass(10);
    for (const key of ['-1', 'NaN']) {
      expect(await failureOf(cache.get(key))).to.be.instanceOf(TypeError);
    }
    expect(await cache.get('0')).to.equal('0');
  });
});
