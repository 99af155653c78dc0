import { expect } from 'chai';
import { Coverage } from '../../../src/protocol/coverage.ts';

describe('the coverage of a list that is told in parts', () => {
  it('is complete with one whole list', () => {
    const coverage = new Coverage();
    coverage.heard(7, undefined);
    expect(coverage.completeSince).to.equal(7);
  });

  it('is complete once the parts leave no gap in the circle, since the oldest that is needed', () => {
    const coverage = new Coverage();
    coverage.heard(3, ['a', 'f']);
    coverage.heard(4, ['f', 'm']);
    expect(coverage.completeSince).to.equal(0);
    coverage.heard(5, ['m', 'a']);
    expect(coverage.completeSince).to.equal(3);
    coverage.heard(6, ['a', 'f']);
    expect(coverage.completeSince).to.equal(4);
  });

  it('does not care in which order the beats arrive, or how often', () => {
    const coverage = new Coverage();
    coverage.heard(5, ['m', 'a']);
    coverage.heard(5, ['m', 'a']);
    coverage.heard(3, ['a', 'f']);
    coverage.heard(4, ['f', 'm']);
    expect(coverage.completeSince).to.equal(3);
  });

  it('waits for the part that was lost', () => {
    const coverage = new Coverage();
    coverage.heard(3, ['a', 'f']);
    coverage.heard(5, ['m', 'a']);
    coverage.heard(6, ['a', 'f']);
    expect(coverage.completeSince).to.equal(0);
    coverage.heard(7, ['f', 'm']);
    expect(coverage.completeSince).to.equal(5);
  });

  it('takes parts that overlap because somebody joined in between', () => {
    const coverage = new Coverage();
    coverage.heard(1, ['a', 'm']);
    coverage.heard(2, ['k', 'b']);
    expect(coverage.completeSince).to.equal(1);
  });

  it('takes a part from one origin to the same one as everybody', () => {
    const coverage = new Coverage();
    coverage.heard(9, ['a', 'a']);
    expect(coverage.completeSince).to.equal(9);
  });

  it('remembers no more than a bounded number of parts', () => {
    const coverage = new Coverage();
    coverage.heard(1, ['y', 'z']);
    for (let beat = 2; beat < 200; beat += 1) coverage.heard(beat, ['a', 'b']);
    coverage.heard(200, ['b', 'y']);
    coverage.heard(201, ['z', 'a']);
    expect(coverage.completeSince, 'beat 1 is long forgotten').to.equal(0);
  });
});
