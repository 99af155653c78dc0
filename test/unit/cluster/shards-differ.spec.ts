import { expect } from 'chai';
import { onTelemetry, type Report } from '../../../src/index.ts';
import { Gate } from '../cache/gate.ts';
import { BOUND_MS, fill, notesOf, regionOn, REGIONS, served, ShardedSite } from './sharded-site.ts';

describe('nodes that divide the regions in different ways', () => {
  let site = new ShardedSite();
  beforeEach(() => {
    site = new ShardedSite();
  });
  afterEach(() => site.close());

  for (const [k, other] of [
    [2, 3],
    [3, 2],
    [1, 2],
    [2, 1],
    [4, 1],
  ] as const) {
    it(`VER-3 with ${k} and ${other} trust each other on no channel, serve nothing beyond the bound, and recover when one leaves`, async () => {
      const reports: Report[] = [];
      const stop = onTelemetry('unstale:report', ({ report }) => {
        if (report.type === 'shards-differ') reports.push(report);
      });
      const [stays] = await site.cluster(k, 'stays', 'too');
      if (stays === undefined) throw new Error('no process');
      await fill(stays);
      await site.runtime.pass(2 * BOUND_MS);
      expect(served(stays), 'before').to.deep.equal(REGIONS);

      const leaves = await site.join('leaves', other);
      await site.runtime.pass(500);
      expect(notesOf(stays)).to.include('shards-differ');
      await fill(stays, 'b');
      await fill(leaves, 'b');
      site.source.version = 1;
      for (const cache of leaves.caches.values()) await cache.invalidate('b');
      for (const cache of stays.caches.values()) await cache.invalidate('b');
      await site.runtime.pass(BOUND_MS);
      expect(served(stays), 'of regions that change').to.deep.equal([]);
      expect(served(leaves), 'of regions that change').to.deep.equal([]);
      await fill(stays, 'c');
      await site.runtime.pass(BOUND_MS);
      expect(served(stays, 'c'), 'on any channel').to.deep.equal([]);

      // Published last where nobody may have listened: what was loaded before is not trusted after the bye either.
      await fill(stays, 'd');
      site.source.version = 2;
      for (const cache of leaves.caches.values()) await cache.invalidate('d');
      await site.leave(leaves);
      for (const cache of stays.caches.values()) {
        const value = cache.peek('d');
        if (value !== undefined) expect(value).to.equal('d 2');
      }
      await fill(stays, 'e');
      await site.runtime.pass(3 * BOUND_MS);
      expect(served(stays, 'e'), 'after').to.deep.equal(REGIONS);
      stop();
      const told = reports.flatMap((report) => ('ours' in report ? [report.ours] : []));
      expect(new Set(told)).to.deep.equal(new Set([k, other]));
    });
  }

  it('VER-3 wait for the bound where all are to acknowledge', async () => {
    const [stays] = await site.cluster(3, 'stays', 'too');
    await site.join('fewer', 2);
    await site.runtime.pass(500);
    const call = stays?.cluster.invalidate({ region: regionOn(2, 3), keys: 'a' }, { ack: 'all' });
    await site.runtime.pass(2 * BOUND_MS);
    expect((await call)?.by).to.equal('lease');
  });

  it('VER-3 hear no bye on the first channel while a guarded write is under way on another', async () => {
    const [stays] = await site.cluster(2, 'stays');
    const leaves = await site.join('leaves', 3);
    await site.runtime.pass(500);
    const gate = new Gate();
    const slow = leaves.caches.get(regionOn(2, 3))?.write('a', () => gate.promise);
    await site.leave(leaves);
    if (stays === undefined) throw new Error('no process');
    expect(notesOf(stays)).to.include('shards-differ');
    gate.open();
    await slow;
  });
});
