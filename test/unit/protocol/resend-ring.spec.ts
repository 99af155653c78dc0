import { expect } from 'chai';
import { LIMITS } from '../../../src/protocol/limits.ts';
import { ResendRing, type Piece } from '../../../src/protocol/resend-ring.ts';

const BOUNDS = { maxNames: LIMITS.batchKeys, maxBytes: 7_000 };
const NOTHING_HELD = Number.POSITIVE_INFINITY;

function pieceOf(seq: number, region: string, bytes: number): Piece {
  const selection = { keys: { [region]: [`key-${seq}`] } };
  return { range: [seq, seq], selection, bytes, ackWanted: false };
}

function filled(ring: ResendRing, from: number, to: number, region: (seq: number) => string): void {
  for (let seq = from; seq <= to; seq += 1) {
    ring.add(pieceOf(seq, region(seq), 20));
  }
}

describe('the resend ring', () => {
  it('gives back whole batches, as one piece where they fit', () => {
    const ring = new ResendRing();
    filled(ring, 1, 5, () => 'things');
    expect(ring.collect([2, 4], NOTHING_HELD, BOUNDS)).to.deep.equal([
      {
        range: [2, 4],
        selection: { keys: { things: ['key-2', 'key-3', 'key-4'] } },
        bytes: 60,
        ackWanted: false,
      },
    ]);
  });

  it('makes pieces that fit a frame, each for consecutive numbers', () => {
    const ring = new ResendRing();
    for (let seq = 1; seq <= 10; seq += 1) ring.add(pieceOf(seq, 'things', 3_000));
    const pieces = ring.collect([1, 10], NOTHING_HELD, BOUNDS);
    expect(pieces.map(({ range }) => range)).to.deep.equal([
      [1, 2],
      [3, 4],
      [5, 6],
      [7, 8],
      [9, 10],
    ]);
  });

  it('NACK-3 folds what it cannot keep into regions, and what is older into everything', () => {
    const ring = new ResendRing({ maxBatches: 8 });
    filled(ring, 1, 4, () => 'old');
    filled(ring, 5, 20, (seq) => (seq % 2 === 0 ? 'even' : 'odd'));
    const [folded, ...kept] = ring.collect([6, 20], NOTHING_HELD, BOUNDS);
    expect(folded?.selection).to.deep.equal({ regions: ['even', 'odd'] });
    expect(kept).to.have.lengthOf(1);
    filled(ring, 21, 2_000, () => 'new');
    const [oldest] = ring.collect([1, 20], NOTHING_HELD, BOUNDS);
    expect(oldest).to.deep.include({ range: [1, 20], selection: { all: true } });
  });

  it('never leaves a number out, however much was folded, also when reserved numbers came late', () => {
    const ring = new ResendRing({ maxBatches: 16 });
    const regionOf = new Map<number, string>();
    const add = (seq: number): void => {
      const region = `region-${seq % 7}`;
      regionOf.set(seq, region);
      ring.add(pieceOf(seq, region, 20));
    };
    for (let seq = 1; seq <= 3_000; seq += 1) {
      // Every fiftieth number is reserved, and comes when eighty others have gone by.
      if (seq % 50 !== 0) add(seq);
      if (seq % 50 === 30 && seq > 80) add(seq - 80);
    }
    for (let low = 1; low <= 2_900; low += 37) {
      const pieces = ring.collect([low, low + 9], NOTHING_HELD, BOUNDS);
      for (let seq = low; seq <= low + 9; seq += 1) {
        const region = regionOf.get(seq);
        if (region === undefined) continue;
        const piece = pieces.find(({ range }) => range[0] <= seq && seq <= range[1]);
        const named =
          piece?.selection.all === true ||
          piece?.selection.regions?.includes(region) === true ||
          piece?.selection.keys?.[region]?.includes(`key-${seq}`) === true;
        expect(named, `number ${seq}`).to.equal(true);
      }
    }
  });

  it('says everything of numbers that it has forgotten, although a late one was folded beside them', () => {
    const ring = new ResendRing({ maxBatches: 4 });
    ring.add(pieceOf(1, 'old', 20));
    filled(ring, 3, 400, () => 'old');
    // Number 2 was reserved, and its fold spans everything since.
    ring.add(pieceOf(2, 'late', 20));
    filled(ring, 401, 404, () => 'late');
    expect(ring.collect([3, 5], NOTHING_HELD, BOUNDS)[0]?.selection).to.deep.equal({ all: true });
  });

  it('PUB-8 says nothing of a number that is held back', () => {
    const ring = new ResendRing();
    filled(ring, 1, 4, () => 'things');
    filled(ring, 6, 8, () => 'things');
    const pieces = ring.collect([1, 10], 5, BOUNDS);
    expect(pieces.map(({ range }) => range)).to.deep.equal([
      [1, 4],
      [6, 8],
    ]);
  });

  it('says everything of numbers that it never knew', () => {
    const ring = new ResendRing({ firstSeq: 100 });
    filled(ring, 101, 103, () => 'things');
    const [before, kept] = ring.collect([1, 103], NOTHING_HELD, BOUNDS);
    expect(before).to.deep.include({ range: [1, 100], selection: { all: true } });
    expect(kept?.range).to.deep.equal([101, 103]);
  });

  it('stands for all regions where a fold concerned too many to name', () => {
    const ring = new ResendRing({ maxBatches: 100 });
    filled(ring, 1, 400, (seq) => `region-${seq}`);
    expect(ring.collect([310, 310], NOTHING_HELD, BOUNDS)[0]?.selection).to.not.deep.equal({
      all: true,
    });
    const wide = new ResendRing({ maxBatches: 2 * LIMITS.foldedRegions + 4 });
    filled(wide, 1, 2 * LIMITS.foldedRegions + 5, (seq) => `region-${seq}`);
    expect(wide.collect([1, 1], NOTHING_HELD, BOUNDS)[0]?.selection).to.deep.equal({ all: true });
  });

  it('stands for everything where the names of the regions do not fit a frame', () => {
    const ring = new ResendRing({ maxBatches: 20 });
    filled(ring, 1, 21, (seq) => `${seq}`.padEnd(LIMITS.regionLength, 'é'));
    expect(
      ring.collect([1, 9], NOTHING_HELD, { ...BOUNDS, maxBytes: 2_000 })[0]?.selection,
    ).to.deep.equal({ all: true });
  });
});
