import { expect } from 'chai';
import { LocalClock, systemRuntime } from '../../../src/cluster/runtime.ts';

const WALL_MS = 1_700_000_000_000;

describe('the clock on which ages are counted', () => {
  it('READ-4 runs with the monotonic clock', () => {
    const clock = new LocalClock();
    expect(clock.localMs(500, WALL_MS + 500)).to.equal(500);
    expect(clock.localMs(9_500, WALL_MS + 9_500)).to.equal(9_500);
  });

  it('READ-4 counts a suspension, during which the monotonic clock stands still', () => {
    const clock = new LocalClock();
    clock.localMs(1_000, WALL_MS);
    expect(clock.localMs(1_010, WALL_MS + 3_600_010)).to.equal(3_601_010);
    expect(clock.localMs(2_000, WALL_MS + 3_601_000)).to.equal(3_602_000);
  });

  it('READ-4 a wall clock that is stepped makes nothing younger, whichever way it goes', () => {
    const clock = new LocalClock();
    let last = clock.localMs(0, WALL_MS);
    const steps = [3_600_000, -7_200_000, 86_400_000, -50, 50, -86_400_000];
    let wallMs = WALL_MS;
    for (const [index, step] of steps.entries()) {
      wallMs += step + 10;
      const now = clock.localMs((index + 1) * 10, wallMs);
      expect(now - last).to.be.at.least(10);
      last = now;
    }
  });

  it('READ-4 does not take the rounding of two readings for a suspension', () => {
    const clock = new LocalClock();
    for (let ms = 0; ms < 10_000; ms += 0.7) {
      expect(clock.localMs(ms, WALL_MS + Math.floor(ms))).to.equal(ms);
    }
  });

  it('READ-4 never goes back, even where the monotonic clock does, alone or with the wall clock', () => {
    const clock = new LocalClock();
    const before = clock.localMs(5_000_000, WALL_MS);
    const alone = clock.localMs(1_400_000, WALL_MS + 5);
    expect(alone).to.be.at.least(before);
    const together = clock.localMs(400_000, WALL_MS - 1_000_000);
    expect(together).to.be.at.least(alone);
    expect(clock.steadyMs(400_000)).to.be.at.least(5_000_000);
    expect(clock.localMs(401_000, WALL_MS - 999_000)).to.equal(together + 1_000);
  });

  it('a clock that stands still stands still', () => {
    const clock = new LocalClock();
    const first = clock.localMs(77, WALL_MS);
    for (let round = 0; round < 100; round += 1) expect(clock.localMs(77, WALL_MS)).to.equal(first);
  });

  it('of the system gives instants that only go forward, and chance from 0 to 1', () => {
    const runtime = systemRuntime();
    let last = runtime.now();
    const drawn = new Set<number>();
    for (let round = 0; round < 1_000; round += 1) {
      const now = runtime.now();
      expect(now.monoMs).to.be.at.least(last.monoMs);
      expect(runtime.localMs()).to.be.at.least(now.localMs);
      last = now;
      const chance = runtime.random();
      expect(chance).to.be.within(0, 1 - Number.EPSILON);
      drawn.add(chance);
    }
    expect(drawn.size).to.be.above(990);
  });
});
