import { Scenario } from './scenario.ts';

/**
 * Two processes with one origin, as after a machine was cloned, each numbering what it publishes (ID-2).
 * The second one hears of the first only after its own batch was accepted by the broker, and taken for a
 * repetition by the reader.
 */
export function twins(): Scenario {
  const scenario = new Scenario({}, { nodes: 3, expectedNodes: 2, only: new Set(['I1', 'I10']) });
  const { world } = scenario;
  world.start(0);
  world.start(1, { label: 'n0' }, 'n0.1');
  world.start(2);
  // The first never learns of it, and the second only by and by.
  world.network.sever(0, 1, Number.POSITIVE_INFINITY);
  scenario.sever(1, 0, 1_950, 2_050);
  scenario.load(2, 1_900, 5);
  scenario.at(2_000, () => {
    scenario.member(1).invalidate({ keys: { a: ['other'] } }, { for: 'bus' }, () => undefined);
  });
  scenario.write(0, 2_001, 5);
  scenario.readEvery(2, 2_100, 15_000);
  return scenario;
}
