import { expect } from 'chai';
import { ALL_PROTECTIONS } from '../../src/protocol/settings.ts';
import { ghosts } from './directed/ghosts.ts';
import { DIRECTED } from './directed/index.ts';
import { twins } from './directed/twins.ts';
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

  it('ID-2: what one of two twins has published is not lost for taking it for a repetition', () => {
    const scenario = twins();
    scenario.run(15_000);
    expect(scenario.world.source.version('a/k0')).to.equal(1);
    expect(scenario.member(2).peek('a', 'k0')).to.equal(undefined);
  });

  it('MEM-2: a former incarnation does not count for one of those who are expected', () => {
    const scenario = ghosts();
    scenario.run(15_000);
    expect(scenario.world.source.version('a/k0')).to.equal(1);
  });

  it('has one for each protection that can be switched off', () => {
    const protections = Object.keys(ALL_PROTECTIONS).toSorted();
    expect(DIRECTED.map((one) => one.protection).toSorted()).to.deep.equal(protections);
  });
});
