import { expect } from 'chai';
import { CoreNetwork } from '../../support/core-network.ts';

/** What docs/protocol.md states for a bound of 30 s, with ids of 16 characters. */
const STATED = [
  { nodes: 2, messagesPerSecond: 0.4, kilobytesPerSecond: 0.04, worstProofAgeMs: 15_000 },
  { nodes: 10, messagesPerSecond: 2.0, kilobytesPerSecond: 0.63, worstProofAgeMs: 15_000 },
  { nodes: 50, messagesPerSecond: 10.0, kilobytesPerSecond: 14.0, worstProofAgeMs: 15_000 },
] as const;

describe('the traffic of an idle cluster', () => {
  for (const { nodes, messagesPerSecond, kilobytesPerSecond, worstProofAgeMs } of STATED) {
    it(`of ${nodes} nodes is ${messagesPerSecond} messages a second, and proofs are at most 15 s old`, () => {
      const network = new CoreNetwork({ maxStalenessMs: 30_000, cluster: 'shop' });
      const members = network.cluster(...Array.from({ length: nodes }, (_, index) => `n${index}`));
      const seconds = nodes > 10 ? 200 : 1_000;
      let worstMs = 0;
      for (let second = 0; second < seconds; second += 1) {
        network.run(1_000);
        for (const member of members) worstMs = Math.max(worstMs, member.proofAgeMs());
      }
      const bytes = network.sent.reduce((sum, { frame }) => sum + frame.length, 0);
      expect(network.sent.length / seconds).to.be.within(
        0.8 * messagesPerSecond,
        1.2 * messagesPerSecond,
      );
      expect(bytes / seconds / 1_000).to.be.within(
        0.8 * kilobytesPerSecond,
        1.2 * kilobytesPerSecond,
      );
      expect(worstMs).to.be.below(worstProofAgeMs);
    });
  }

  it('grows by two thin beats for each burst of publications, and no more', () => {
    const network = new CoreNetwork({ maxStalenessMs: 30_000 });
    const [writer] = network.cluster('a', 'b', 'c');
    for (let burst = 0; burst < 20; burst += 1) {
      for (let index = 0; index < 50; index += 1) {
        writer?.invalidate([`key-${burst}-${index}`]);
        network.run(5);
      }
      network.run(5_000);
    }
    const thin = network.sentOf('beat').filter(({ digest }) => digest === undefined);
    expect(thin).to.have.lengthOf(40);
  });

  it('does not rise when a member dies', () => {
    const network = new CoreNetwork({ maxStalenessMs: 30_000 });
    const members = network.cluster(...Array.from({ length: 10 }, (_, index) => `n${index}`));
    members[0]?.kill();
    network.run(119_000);
    expect(network.sent.length / 119).to.be.below(2.0 * 1.2);
  });

  it('of an hour holds no wake-up in vain: the core sleeps until something is due', () => {
    const network = new CoreNetwork({ maxStalenessMs: 30_000 });
    const members = network.cluster('a', 'b', 'c');
    let wakes = 0;
    for (const member of members) {
      const { core } = member;
      const step = core.step.bind(core);
      core.step = (input, now) => {
        if (input.type === 'timer') wakes += 1;
        const effects = step(input, now);
        expect(core.wakeAtMs, 'never at once again').to.be.above(now.monoMs);
        return effects;
      };
    }
    network.run(3_600_000);
    const beats = network.sentOf('beat').length;
    expect(wakes).to.be.below(3 * beats);
  });
});
