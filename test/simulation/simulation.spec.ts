import { expect } from 'chai';
import { runSchedule, runStackSchedule } from './run-schedule.ts';
import { addOutcome, newSummary } from './summary.ts';

/** Schedules of the short run; the long ones are `npm run simulate`. */
const SCHEDULES = 300;

/** The same with the whole stack. */
const STACK_SCHEDULES = 25;

describe('simulation: random schedules', () => {
  it(`${SCHEDULES} schedules keep every invariant`, function () {
    this.timeout(120_000);
    const summary = newSummary();
    for (let seed = 1; seed <= SCHEDULES; seed += 1) addOutcome(summary, runSchedule(seed));
    expect(summary.violations).to.deep.equal({});
    expect(summary.worstShare)
      .to.be.lessThan(1 + 1e-2)
      .and.greaterThan(0.5);
    expect(summary.counts['hit by proof']).to.be.greaterThan(SCHEDULES);
    expect(summary.counts['hit by TTL']).to.be.greaterThan(SCHEDULES);
  });

  it(`${STACK_SCHEDULES} schedules of the whole production stack keep every invariant`, async function () {
    this.timeout(120_000);
    const summary = newSummary();
    for (let seed = 1; seed <= STACK_SCHEDULES; seed += 1) {
      addOutcome(summary, await runStackSchedule(seed));
    }
    expect(summary.violations).to.deep.equal({});
    expect(summary.counts['hit by proof']).to.be.greaterThan(STACK_SCHEDULES);
  });

  it('a seed gives the same trace of the whole stack each time', async () => {
    const [one, other] = [await runStackSchedule(4), await runStackSchedule(4)];
    expect(other.hash).to.equal(one.hash);
  });

  it('a seed gives the same trace each time', () => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const [one, other] = [runSchedule(seed), runSchedule(seed)];
      expect(other.hash).to.equal(one.hash);
      expect(other.events).to.equal(one.events);
    }
  });

  it('another seed gives another trace', () => {
    expect(runSchedule(1).hash).not.to.equal(runSchedule(2).hash);
  });

  it('a fault that is taken out leaves the others as they were', () => {
    const faults = new Set(runSchedule(3).faults);
    const [first] = faults;
    if (first === undefined) throw new TypeError('seed 3 has faults');
    faults.delete(first);
    expect(runSchedule(3, { without: new Set([first]) }).faults).to.deep.equal([...faults]);
  });
});
