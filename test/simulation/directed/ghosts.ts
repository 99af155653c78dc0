import type { Protections } from '../../../src/protocol/settings.ts';
import { Scenario } from './scenario.ts';

/**
 * Three nodes are expected. Two of them restart behind a cut from the third; one of these hears a last
 * word of the other's former incarnation, and must not count it as a third node (MEM-2 b).
 */
export function ghosts(unprotected: Partial<Protections> = {}): Scenario {
  const scenario = new Scenario(unprotected, { nodes: 3, uniqueLabel: true });
  const { world } = scenario;
  scenario.startAll();
  for (const slot of [0, 1]) {
    scenario.sever(slot, 2, 2_000, 20_000);
    scenario.sever(2, slot, 2_000, 20_000);
  }
  // What the second says of the third does not arrive: only a batch does.
  scenario.at(2_000, () => {
    scenario.member(0).crash();
    world.network.sever(1, 0, 2_300);
  });
  scenario.at(2_100, () => {
    scenario.start(0);
  });
  scenario.at(2_301, () => {
    scenario.member(1).invalidate({ keys: { a: ['other'] } }, { for: 'bus' }, () => undefined);
    world.network.sever(1, 0, 2_650);
  });
  scenario.at(2_310, () => {
    scenario.member(1).crash();
  });
  scenario.at(2_600, () => {
    scenario.start(1);
  });
  // Attached anew, it asks everybody for a beat: its former incarnation is superseded now.
  scenario.at(5_000, () => {
    const [, port] = world.network.ports;
    if (port !== undefined) world.network.interrupt(port, 10, 'new');
  });
  scenario.load(0, 7_000, 5);
  scenario.write(2, 7_500, 10);
  scenario.readEvery(0, 7_600, 15_000);
  return scenario;
}
