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
});
