import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'chai';
import { memoryBus } from 'unstale/adapters/memory';
import { joinCluster, type InvalidationBus } from 'unstale';

/** A bus that notes how many keys each frame with invalidations named. */
function counted(channel: string): { readonly bus: InvalidationBus; readonly sizes: number[] } {
  const bus = memoryBus({ channel });
  const sizes: number[] = [];
  const publish = bus.publish.bind(bus);
  bus.publish = async (frame, options) => {
    const keys = frame.match(/key-\d+/g);
    if (keys !== null) sizes.push(keys.length);
    // A broker answers after input and output, never in the same turn.
    await turn();
    await publish(frame, options);
  };
  return { bus, sizes };
}

describe('group commit', () => {
  it('what is invalidated in one turn shares a frame', async () => {
    const { bus, sizes } = counted('one-turn');
    await using cluster = await joinCluster({ name: 'shop', bus, lingerMs: 0 });
    const calls = Array.from({ length: 50 }, (_, index) =>
      cluster.invalidate({ region: 'things', keys: [`key-${index}`] }),
    );
    await Promise.all(calls);
    expect(sizes).to.deep.equal([50]);
  });

  it('callers who go on as soon as they are told share the next frame, all of them', async () => {
    const { bus, sizes } = counted('callers');
    await using cluster = await joinCluster({ name: 'shop', bus, lingerMs: 0 });
    let next = 0;
    const caller = async (): Promise<void> => {
      while (next < 100) {
        next += 1;
        await cluster.invalidate({ region: 'things', keys: [`key-${next}`] });
      }
    };
    await Promise.all(Array.from({ length: 20 }, caller));
    expect(sizes).to.deep.equal([20, 20, 20, 20, 20]);
  });

  it('an invalidation that is alone does not wait for a timer or for input', async () => {
    const { bus, sizes } = counted('alone');
    await using cluster = await joinCluster({ name: 'shop', bus, lingerMs: 0 });
    const call = cluster.invalidate({ region: 'things', keys: ['key-1'] });
    let frames = -1;
    setImmediate(() => {
      frames = sizes.length;
    });
    await call;
    expect(frames).to.equal(1);
  });

  it('each is applied here when it is called, not at the end of the turn', async () => {
    const { bus } = counted('at-once');
    await using cluster = await joinCluster({ name: 'shop', bus, lingerMs: 0, expectedNodes: 1 });
    const cache = cluster.cache<string>('things', { maxEntries: 10, load: (key) => key });
    await cache.get('key-1');
    const call = cache.invalidate('key-1');
    expect(cache.has('key-1')).to.equal(false);
    await call;
  });

  it('what is more than a frame holds goes in several, and every caller is told', async () => {
    const { bus, sizes } = counted('several');
    await using cluster = await joinCluster({ name: 'shop', bus, lingerMs: 0 });
    const calls = Array.from({ length: 600 }, (_, index) =>
      cluster.invalidate({ region: 'things', keys: [`key-${index}`] }),
    );
    const results = await Promise.all(calls);
    expect(sizes).to.deep.equal([256, 256, 88]);
    expect(new Set(results.map(({ by }) => by))).to.deep.equal(new Set(['bus']));
  });

  it('tags, prefixes, regions and everything share a frame with keys', async () => {
    const { bus } = counted('kinds');
    const frames: string[] = [];
    const publish = bus.publish.bind(bus);
    bus.publish = async (frame, options) => {
      if (frame.includes('"t":"inv"')) frames.push(frame);
      await publish(frame, options);
    };
    await using cluster = await joinCluster({ name: 'shop', bus, lingerMs: 0 });
    await Promise.all([
      cluster.invalidate({ region: 'things', keys: ['key-1'] }),
      cluster.invalidate({ region: 'things', tags: ['tag'] }),
      cluster.invalidate({ region: '__proto__', prefixes: ['prefix'] }),
      cluster.invalidate({ region: 'others', all: true }),
    ]);
    expect(frames).to.have.lengthOf(1);
    expect(JSON.parse(frames[0] ?? '')).to.deep.include({
      k: { things: ['key-1'] },
      g: { things: ['tag'] },
      p: JSON.parse('{"__proto__":["prefix"]}') as unknown,
      r: ['others'],
    });
  });

  it('a name that is refused rejects its own call alone', async () => {
    const { bus, sizes } = counted('refused');
    await using cluster = await joinCluster({ name: 'shop', bus, lingerMs: 0 });
    const good = cluster.invalidate({ region: 'things', keys: ['key-1'] });
    const bad = cluster
      .invalidate({ region: 'things', keys: [''] })
      .catch((error: unknown) => error);
    expect(await bad).to.be.an.instanceOf(TypeError);
    expect((await good).by).to.equal('bus');
    expect(sizes).to.deep.equal([1]);
  });

  it('closing publishes first what was invalidated in the same turn', async () => {
    const { bus, sizes } = counted('closing');
    const cluster = await joinCluster({ name: 'shop', bus, lingerMs: 0 });
    const call = cluster.invalidate({ region: 'things', keys: ['key-1'] });
    await cluster.close();
    expect((await call).by).to.equal('bus');
    expect(sizes).to.deep.equal([1]);
  });
});
