import { Scenario, type Directed } from './scenario.ts';

/** What the read rule, the tickets and the guarded write are good for. */
export const READING: readonly Directed[] = [
  {
    protection: 'readRule',
    story: 'a reader is cut off for two bounds, and goes on reading',
    run: (unprotected) => {
      const scenario = new Scenario(unprotected);
      scenario.startAll();
      scenario.readEvery(1, 1_000, 9_000);
      scenario.load(1, 900, 5);
      scenario.sever(0, 1, 1_500, 8_000);
      scenario.write(0, 2_000, 10);
      scenario.run(9_000);
    },
  },
  {
    protection: 'tickets',
    story: 'a load reads the source before a write, and its result arrives after the invalidation',
    run: (unprotected) => {
      const scenario = new Scenario(unprotected);
      scenario.startAll();
      scenario.load(1, 1_990, 500);
      scenario.write(0, 2_000, 10);
      scenario.readEvery(1, 2_600, 9_000);
      scenario.run(9_000);
    },
  },
  {
    protection: 'reserveBeforeWrite',
    story: 'the source commits at once and keeps its answer for two bounds',
    run: (unprotected) => {
      const scenario = new Scenario(unprotected);
      scenario.startAll();
      scenario.load(1, 1_900, 5);
      scenario.write(0, 2_000, 6_000);
      scenario.readEvery(1, 2_100, 9_000);
      scenario.run(9_000);
    },
  },
  {
    protection: 'quarantine',
    story: 'the writer reads what it is writing, while the source keeps its answer for two bounds',
    run: (unprotected) => {
      const scenario = new Scenario(unprotected);
      scenario.startAll();
      scenario.load(0, 1_900, 5);
      scenario.write(0, 2_000, 6_000);
      scenario.readEvery(0, 2_100, 9_000);
      scenario.run(9_000);
    },
  },
  {
    protection: 'echoProof',
    story: 'the line is cut, and a beat that was recorded before is played again and again',
    run: (unprotected) => {
      const scenario = new Scenario(unprotected, { faults: new Set(['replay']) });
      const { network } = scenario.world;
      scenario.startAll();
      scenario.load(1, 1_900, 5);
      scenario.sever(0, 1, 2_000, 9_000);
      scenario.write(0, 2_100, 10);
      scenario.at(2_050, () => {
        const beat = network.recorded.findLast(
          (one) => one.includes('"o":"n0/') && one.includes('"m":'),
        );
        if (beat === undefined) return;
        for (let atMs = 2_100; atMs < 9_000; atMs += 300) {
          scenario.at(atMs, () => {
            network.inject(beat, network.ports[1]);
          });
        }
      });
      scenario.readEvery(1, 2_100, 9_000);
      scenario.run(9_000);
    },
  },
];
