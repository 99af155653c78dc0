import { expect } from 'chai';
import { shardOf } from '../../../src/cluster/shard-of.ts';

const REGIONS = Array.from({ length: 20_000 }, (_, index) => `region-${index}`);

describe('the channel of a region', () => {
  it('is the same on every node and in every version: these must never change', () => {
    const golden: readonly (readonly [string, readonly number[]])[] = [
      ['articles', [1, 1, 1, 7, 16]],
      ['users', [0, 0, 0, 5, 32]],
      ['prices', [1, 2, 3, 3, 3]],
      ['things', [0, 2, 2, 2, 50]],
      ['__proto__', [1, 1, 1, 7, 51]],
      ['größe', [1, 2, 2, 2, 2]],
    ];
    for (const [region, channels] of golden) {
      expect([2, 3, 4, 8, 64].map((shards) => shardOf(region, shards))).to.deep.equal(channels);
    }
  });

  it('is the only one, where there is only one', () => {
    expect(shardOf('articles', 1)).to.equal(0);
  });

  for (const shards of [2, 3, 4, 16]) {
    it(`is each of ${shards} about equally often`, () => {
      const counts = Array.from({ length: shards }, () => 0);
      for (const region of REGIONS) {
        const index = shardOf(region, shards);
        counts[index] = (counts[index] ?? 0) + 1;
      }
      const share = REGIONS.length / shards;
      for (const count of counts) expect(count).to.be.within(0.85 * share, 1.15 * share);
    });

    it(`changes for one region in ${shards + 1} when a channel is added to ${shards}, and then to the new one`, () => {
      const moved = REGIONS.filter(
        (region) => shardOf(region, shards) !== shardOf(region, shards + 1),
      );
      const share = REGIONS.length / (shards + 1);
      expect(moved.length).to.be.within(0.85 * share, 1.15 * share);
      for (const region of moved) expect(shardOf(region, shards + 1)).to.equal(shards);
    });
  }
});
