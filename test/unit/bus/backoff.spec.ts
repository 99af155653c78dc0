import { expect } from 'chai';
import { assert, double, integer, nat, property } from 'fast-check';

import { backoffMs } from '../../../src/bus/backoff.ts';
import { benchBus } from './bench-bus.ts';
import { settled } from './fake-timers.ts';

const LIMITS = { baseMs: 100, capMs: 5_000 };

describe('the wait before the next attempt', () => {
  it('is drawn from 0 to a ceiling that doubles with every failure, up to the cap', () => {
    assert(
      property(
        nat(2_000),
        integer({ min: 1, max: 10_000 }),
        integer({ min: 1, max: 60_000 }),
        double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempt, baseMs, capMs, drawn) => {
          const waitMs = backoffMs(attempt, { baseMs, capMs }, () => drawn);
          const ceiling = Math.min(capMs, baseMs * 2 ** attempt);
          expect(waitMs).to.equal(Math.floor(drawn * ceiling));
          expect(waitMs).to.be.within(0, capMs);
        },
      ),
    );
  });

  it('is spread evenly: full jitter, so that a cluster does not come back as one wave', () => {
    const waits = Array.from({ length: 10_000 }, (_, draw) =>
      backoffMs(20, LIMITS, () => draw / 10_000),
    );
    for (let tenth = 0; tenth < 10; tenth += 1) {
      const inTenth = waits.filter((wait) => wait >= tenth * 500 && wait < (tenth + 1) * 500);
      expect(inTenth).to.have.length(1_000);
    }
  });

  it('grows over the failures of one interruption, and starts over with the next one', async () => {
    const { driver, opened, timers } = benchBus({ tuning: { random: () => 0.999_999 } });
    await opened();
    driver.lastAttempt.down();
    await settled();
    const waited = async (): Promise<number> => {
      const before = driver.attempts.length;
      let waitMs = 0;
      while (driver.attempts.length === before && waitMs < 20_000) {
        await timers.advance(1);
        waitMs += 1;
      }
      return waitMs;
    };
    const waits: number[] = [];
    for (let failure = 0; failure < 8; failure += 1) {
      waits.push(await waited());
      driver.lastAttempt.fail();
      await settled();
    }
    expect(waits).to.deep.equal([99, 199, 399, 799, 1599, 3199, 4999, 4999]);
    await waited();
    driver.lastAttempt.succeed();
    await settled();
    driver.lastAttempt.down();
    await settled();
    expect(await waited()).to.equal(99);
  }).timeout(60_000);
});
