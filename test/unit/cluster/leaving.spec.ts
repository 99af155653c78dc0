import { expect } from 'chai';
import { memoryBus } from '../../../adapters/memory/index.ts';
import { joinCluster } from '../../../src/index.ts';

describe('leaving a cluster', () => {
  it('refuses what is changed after the bye, instead of losing it while the node lingers', async () => {
    const channel = 'leaving';
    const other = await joinCluster({
      name: 'leaving',
      bus: memoryBus({ channel }),
      expectedNodes: 2,
    });
    const node = await joinCluster({
      name: 'leaving',
      bus: memoryBus({ channel }),
      expectedNodes: 2,
      lingerMs: 50,
    });
    const cache = node.cache<string>('articles', { maxEntries: 10, load: (id) => id });
    await node.ready();
    await cache.invalidate('1');
    const closing = node.close();
    // With nothing left to send the bye goes out in this turn.
    await new Promise(setImmediate);
    const late = await cache.invalidate('2').then(
      (result) => result,
      (error: unknown) => error,
    );
    await closing;
    await other.close();
    expect(late).to.have.property('code', 'CACHE_CLOSED');
  });
});
