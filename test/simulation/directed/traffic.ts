import type { Protections } from '../../../src/protocol/settings.ts';
import { Scenario, type Directed } from './scenario.ts';

/** NACKs that a group may send for one message which all of its members have missed. */
const NACKS = 3;

/** What keeps the traffic small and the repair quick. */
export const TRAFFIC: readonly Directed[] = [
  {
    protection: 'tailBeats',
    story: 'the last message of a burst is lost, and the next beat is far away',
    run: (unprotected) => {
      const scenario = new Scenario(unprotected, {
        maxStalenessMs: 30_000,
        forgetAfterMs: 120_000,
      });
      scenario.startAll();
      scenario.sever(0, 1, 20_000, 20_100);
      scenario.write(0, 20_010, 10);
      // After a full beat of the writer its next one is at least half an interval away.
      scenario.run(22_000);
      const held = [...scenario.member(1).core.members.all()][0]?.sequence.contig;
      if (held !== 1) scenario.fail('repair', 'what was lost is not repaired within two seconds');
    },
  },
  {
    protection: 'suppression',
    story: 'thirty nodes miss one message, and its publisher is slow to answer',
    run: (unprotected) => {
      const sum = nacksOf(unprotected);
      if (sum > NACKS) throw new Scenario({}).fail('I8', `${sum} NACKs for one message`);
    },
  },
  {
    protection: 'dedup',
    story: 'a batch is delivered twice',
    run: (unprotected) => {
      const scenario = new Scenario(unprotected, { faults: new Set(['replay']) });
      const { network } = scenario.world;
      scenario.startAll();
      scenario.write(0, 2_000, 10);
      scenario.at(2_500, () => {
        const batch = network.recorded.findLast((one) => one.includes('"t":"inv"'));
        if (batch !== undefined) network.inject(batch, network.ports[1]);
      });
      scenario.run(3_000);
    },
  },
  {
    protection: 'adoptOnce',
    story: 'the broker delivers what a person says once more, after somebody has adopted it',
    run: (unprotected) => {
      const scenario = new Scenario(unprotected);
      const { network } = scenario.world;
      scenario.startAll();
      const said = { text: 'k0', id: 'm1', sender: 'person' };
      for (const atMs of [2_000, 4_000, 6_000, 8_000, 10_000]) {
        scenario.at(atMs, () => {
          network.say(said);
        });
      }
      scenario.run(12_000);
    },
  },
];

function nacksOf(unprotected: Partial<Protections>): number {
  const scenario = new Scenario(unprotected, {
    nodes: 31,
    maxStalenessMs: 30_000,
    forgetAfterMs: 120_000,
    latencyMs: 5,
  });
  scenario.startAll();
  for (let slot = 1; slot < 31; slot += 1) scenario.sever(0, slot, 40_000, 40_300);
  scenario.write(0, 40_010, 10);
  // The answer to the first NACK is held up on its way, long enough for everybody to ask.
  for (let atMs = 40_200; atMs < 45_000; atMs += 1) {
    scenario.at(atMs, () => {
      const port = scenario.world.network.ports[0];
      const first = port?.upCloggedUntilMs === 0 && asked(scenario) > 0;
      if (first) port.upCloggedUntilMs = atMs + 350;
    });
  }
  scenario.run(60_000);
  return asked(scenario);
}

function asked(scenario: Scenario): number {
  let sum = 0;
  for (const member of scenario.world.working()) sum += member.core.counters.nacksSent;
  return sum;
}
