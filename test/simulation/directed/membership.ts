import { Scenario, type Directed } from './scenario.ts';

/** What the rules of membership are good for. */
export const MEMBERSHIP: readonly Directed[] = [
  {
    protection: 'settledRule',
    story: 'two nodes start behind a cut, hear each other and nobody else, while a third writes',
    run: (unprotected) => {
      const scenario = new Scenario(unprotected, { nodes: 4 });
      for (const slot of [0, 1]) scenario.start(slot, { expectedNodes: 2 });
      scenario.at(2_000, () => {
        for (const slot of [2, 3]) {
          for (const other of [0, 1]) {
            scenario.world.network.sever(slot, other, 12_000);
            scenario.world.network.sever(other, slot, 12_000);
          }
          scenario.start(slot, { expectedNodes: undefined });
        }
      });
      scenario.load(2, 3_900, 5);
      scenario.write(0, 4_000, 10);
      scenario.readEvery(2, 4_100, 10_000);
      scenario.run(10_000);
    },
  },
  {
    protection: 'readyRule',
    story:
      'a newborn is settled by a node that then leaves; a third, which has not heard of it, reads on',
    run: (unprotected) => {
      const scenario = new Scenario(unprotected, { nodes: 2, spareSlots: 1 });
      scenario.startAll();
      scenario.load(0, 1_900, 5);
      scenario.at(2_000, () => {
        scenario.world.network.sever(2, 0, 15_000);
        scenario.world.network.sever(1, 0, 3_000);
        scenario.start(2, { expectedNodes: undefined });
      });
      scenario.at(3_001, () => {
        scenario.member(1).leave(1_000);
      });
      scenario.write(2, 3_500, 10);
      scenario.readEvery(0, 3_600, 12_000);
      scenario.run(12_000);
    },
  },
  {
    protection: 'fenceOnForget',
    story: 'a writer dies between commit and publication, and is forgotten after D',
    run: (unprotected) => {
      const scenario = new Scenario(unprotected, { nodes: 3, forgetAfterMs: 8_000 });
      scenario.startAll();
      scenario.load(1, 1_900, 5);
      scenario.write(0, 2_000, 10_000);
      scenario.at(2_100, () => {
        scenario.member(0).crash();
      });
      scenario.readEvery(1, 2_200, 16_000);
      scenario.run(16_000);
    },
  },
];
