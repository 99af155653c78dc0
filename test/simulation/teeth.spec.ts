import { expect } from 'chai';
import { ALL_PROTECTIONS } from '../../src/protocol/settings.ts';
import { DIRECTED } from './directed/index.ts';
import { violationOf } from './directed/scenario.ts';

describe('simulation: directed schedules', () => {
  for (const directed of DIRECTED) {
    const { protection, story } = directed;
    it(`${protection} holds: ${story}`, () => {
      expect(violationOf(directed, {})?.message).to.equal(undefined);
    });
    it(`without ${protection} the same schedule is caught`, () => {
      expect(violationOf(directed, { [protection]: false })?.name).to.equal('Violation');
    });
  }

  it('has one for each protection that can be switched off', () => {
    const protections = Object.keys(ALL_PROTECTIONS).toSorted();
    expect(DIRECTED.map((one) => one.protection).toSorted()).to.deep.equal(protections);
  });
});
