import { expect } from 'chai';
import fc from 'fast-check';
import { LIMITS } from '../../../src/protocol/limits.ts';
import { Sequence } from '../../../src/protocol/sequence.ts';

/** The same, told with a set of numbers: obviously right, and of any size. */
class NaiveSequence {
  readonly #heard = new Set<number>();
  #published = 0;

  see(low: number, high: number): boolean {
    let news = false;
    for (let seq = low; seq <= high; seq += 1) {
      news ||= !this.#heard.has(seq);
      this.#heard.add(seq);
    }
    this.#published = Math.max(this.#published, this.contig);
    return news;
  }

  announce(seq: number): void {
    this.#published = Math.max(this.#published, seq);
  }

  adopt(): void {
    for (let seq = 1; seq <= this.#published; seq += 1) this.#heard.add(seq);
    this.#published = Math.max(this.#published, this.contig);
  }

  get contig(): number {
    let contig = 0;
    while (this.#heard.has(contig + 1)) contig += 1;
    return contig;
  }

  get missing(): number[] {
    const missing = [];
    for (let seq = 1; seq <= this.#published; seq += 1)
      if (!this.#heard.has(seq)) missing.push(seq);
    return missing;
  }
}

type Step =
  | { readonly see: readonly [number, number] }
  | { readonly announce: number }
  | { readonly adopt: true };

const number = fc.integer({ min: 1, max: 60 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(number, fc.integer({ min: 0, max: 4 }))
      .map(([low, more]) => ({ see: [low, low + more] as const })),
  },
  { weight: 2, arbitrary: number.map((announce) => ({ announce })) },
  { weight: 1, arbitrary: fc.constant({ adopt: true } as const) },
);

function numbersOf(ranges: readonly (readonly [number, number])[]): number[] {
  return ranges.flatMap(([low, high]) =>
    Array.from({ length: high - low + 1 }, (_, index) => low + index),
  );
}

describe('a sequence of numbers', () => {
  it('agrees with a set of numbers, whatever comes in which order', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const sequence = new Sequence();
        const naive = new NaiveSequence();
        let fenced = false;
        for (const one of steps) {
          if ('see' in one) {
            const [low, high] = one.see;
            const news = sequence.see(low, high);
            const truth = naive.see(low, high);
            // A range that is partly new is news; after a fence a repetition may be taken for news, never the other way.
            if (truth) expect(news).to.equal(true);
            else if (!fenced && high - low === 0) expect(news).to.equal(false);
          } else if ('announce' in one) {
            sequence.announce(one.announce);
            naive.announce(one.announce);
          } else {
            sequence.adopt();
            naive.adopt();
            fenced = true;
          }
          expect(sequence.contig).to.equal(naive.contig);
          expect(numbersOf(sequence.missing(100))).to.deep.equal(naive.missing);
          expect(sequence.missingCount).to.equal(naive.missing.length);
          expect(sequence.hasGap).to.equal(naive.missing.length > 0);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('RX-3 keeps at most 64 ranges, forgets the newest first, and asks for them again', () => {
    const sequence = new Sequence();
    for (let index = 1; index <= 100; index += 1) sequence.see(2 * index, 2 * index);
    expect(sequence.ranges).to.have.lengthOf(LIMITS.outOfOrderRanges);
    sequence.announce(200);
    expect(sequence.has(128)).to.equal(true);
    expect(sequence.has(130)).to.equal(false);
    expect(sequence.missing(100).at(-1)).to.deep.equal([129, 200]);
    expect(sequence.see(130, 130), 'it is news again').to.equal(true);
  });

  it('takes the largest numbers without allocating for them', () => {
    const sequence = new Sequence();
    const most = Number.MAX_SAFE_INTEGER;
    expect(sequence.see(most, most)).to.equal(true);
    sequence.announce(most);
    expect(sequence.missing(16)).to.deep.equal([[1, most - 1]]);
    sequence.adopt();
    expect(sequence.contig).to.equal(most);
    expect(sequence.ranges).to.deep.equal([]);
  });

  it('lists at most as many missing ranges as it is asked for', () => {
    const sequence = new Sequence();
    for (let index = 1; index <= 40; index += 1) sequence.see(2 * index, 2 * index);
    sequence.announce(80);
    expect(sequence.missing(16)).to.have.lengthOf(16);
  });

  it('applies a number all the same that was only fenced, because somebody else may have spoken for it', () => {
    const sequence = new Sequence();
    sequence.see(1, 1);
    sequence.announce(5);
    sequence.adopt();
    expect(sequence.see(3, 3), 'fenced').to.equal(true);
    expect(sequence.see(1, 1), 'heard').to.equal(false);
  });

  it('never counts a number as missing that is not known to be published', () => {
    const sequence = new Sequence();
    sequence.see(6, 6);
    expect(sequence.hasGap).to.equal(false);
    sequence.announce(3);
    expect(sequence.missing(16)).to.deep.equal([[1, 3]]);
  });
});
