import { expect } from 'chai';
import {
  plannedReads,
  plannedSaves,
  popularityOf,
  type WorkloadOptions,
} from '../../../../src/cli/demo/workload.ts';

const IDS = Array.from({ length: 200 }, (_, index) => `article:${index}`);
const OPTIONS: WorkloadOptions = {
  seed: 7,
  ids: IDS,
  servers: 3,
  seconds: 20,
  rate: 500,
  writes: 5,
};

function readsOf(seed: number): object[] {
  return [...plannedReads({ ...OPTIONS, seed })];
}

function savesOf(seed: number): object[] {
  return [...plannedSaves({ ...OPTIONS, seed })];
}

function countById(items: Iterable<{ readonly id: string }>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { id } of items) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

describe('the workload of the demo', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(readsOf(7)).to.deep.equal(readsOf(7));
    expect(savesOf(7)).to.deep.equal(savesOf(7));
    expect(readsOf(7)).not.to.deep.equal(readsOf(8));
    expect(savesOf(7)).not.to.deep.equal(savesOf(8));
  });

  it('reads the same whether or not anything is saved', () => {
    const reads = [...plannedReads(OPTIONS)];
    expect([...plannedReads({ ...OPTIONS, writes: 0 })]).to.deep.equal(reads);
  });

  it('keeps the rate, the order and the end', () => {
    const reads = [...plannedReads(OPTIONS)];
    // 10,000 expected; six standard deviations of a Poisson process are 600.
    expect(reads.length).to.be.within(9_400, 10_600);
    expect(reads.map(({ atMs }) => atMs)).to.deep.equal(
      reads.map(({ atMs }) => atMs).toSorted((one, other) => one - other),
    );
    expect(reads.at(-1)?.atMs).to.be.lessThan(20_000);
    expect(new Set(reads.map(({ server }) => server))).to.deep.equal(new Set([0, 1, 2]));
  });

  it('saves exactly as often as it was told, evenly spread over the time', () => {
    const saves = [...plannedSaves(OPTIONS)];
    expect(saves).to.have.length(100);
    saves.forEach(({ atMs }, index) => {
      expect(atMs).to.be.within(index * 200, (index + 1) * 200);
    });
    expect([...plannedSaves({ ...OPTIONS, writes: 0 })]).to.deep.equal([]);
  });

  it('reads by the law of Zipf: the second half as often as the first, the tenth a tenth', () => {
    const [first = '', second = '', ...rest] = popularityOf(OPTIONS);
    const counts = countById(plannedReads({ ...OPTIONS, rate: 10_000 }));
    const most = counts.get(first) ?? 0;
    expect((counts.get(second) ?? 0) / most).to.be.closeTo(1 / 2, 0.05);
    expect((counts.get(rest[7] ?? '') ?? 0) / most).to.be.closeTo(1 / 10, 0.02);
  });

  it('reads and saves every resource in the end, the least popular ones too', () => {
    expect(countById(plannedReads({ ...OPTIONS, rate: 10_000 })).size).to.equal(IDS.length);
    expect(countById(plannedSaves({ ...OPTIONS, writes: 1_000 })).size).to.equal(IDS.length);
  });

  it('works with a single resource and a single server', () => {
    const alone = { ...OPTIONS, ids: ['one'], servers: 1, seconds: 1 };
    expect(new Set([...plannedReads(alone)].map(({ id }) => id))).to.deep.equal(new Set(['one']));
    expect([...plannedSaves(alone)]).to.have.length(5);
  });
});
