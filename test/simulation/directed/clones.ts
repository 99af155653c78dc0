import type { Protections } from '../../../src/protocol/settings.ts';
import { unrest } from '../convergence.ts';
import { CoreMember } from '../core-member.ts';
import { Prng } from '../prng.ts';
import { Machine } from './machine.ts';
import { Scenario, type Directed } from './scenario.ts';

/** Clonings in one directed schedule: each at another moment, in another way. */
const CLONINGS = 60;

const KEYS = ['k0', 'k1', 'k2'];

/** Where the original is, its clone will be, and a node is that hears both. */
const [ORIGINAL, CLONE, THIRD] = [0, 1, 2];

/** When everything heals, and when the cluster must have come to rest: 2 D later. */
const HEALED_AT_MS = 22_000;
const REST_AT_MS = 42_000;

/**
 * A machine is cloned while it runs: same origin, same numbers, and both publish from then on to a third node, and to
 * each other (ID-2). What `seed` decides: the moment, also in the middle of a guarded write; whether the clone attaches
 * anew; whether even the random generator is the same; which of the two does not hear the other at first, and how long,
 * which is less than the bound; and what is written by whom.
 */
export function cloning(seed: number, unprotected: Partial<Protections> = {}): Scenario {
  const chance = new Prng(seed);
  const atMs = chance.between(1_500, 6_000);
  const machines: Machine[] = [];
  const scenario = new Scenario(unprotected, {
    seed,
    nodes: 3,
    expectedNodes: 2,
    forgetAfterMs: 9_000,
    latencyMs: chance.pick([1, 5, 40, 120]) ?? 5,
    make: (world, options) => {
      if (options.port.slot !== ORIGINAL) return new CoreMember(world, options);
      const machine = new Machine(world, options, CLONE);
      machines.push(machine);
      return machine.original;
    },
  });
  for (const slot of [ORIGINAL, THIRD]) scenario.start(slot);
  for (const slot of [ORIGINAL, CLONE, THIRD])
    for (const key of KEYS) scenario.useEvery(slot, key, 1_000, HEALED_AT_MS + 12_000);
  const how = {
    connection: chance.pick(['kept', 'lost'] as const) ?? 'lost',
    chance: chance.pick(['the same', 'another'] as const) ?? 'another',
  };
  const deafUntilMs = atMs + (chance.chance(0.4) ? 0 : chance.between(0, 2_000));
  const deaf = chance.pick([[ORIGINAL], [CLONE], [ORIGINAL, CLONE]]) ?? [];
  scenario.at(atMs, () => {
    for (const to of deaf)
      scenario.world.network.sever(to === CLONE ? ORIGINAL : CLONE, to, deafUntilMs);
    for (const end of machines[0]?.clone(how).inherited() ?? []) {
      scenario.at(atMs + chance.exponential(300), () => {
        end({ keys: { a: KEYS } }, { for: 'bus' }, () => undefined);
      });
    }
  });
  const spanMs = chance.pick([20, 300, 3_000, 12_000]) ?? 300;
  for (let writes = 3 + chance.below(30); writes > 0; writes -= 1) {
    const answerMs = chance.chance(0.2) ? chance.between(10, 2_000) : 10;
    const slot = chance.below(3);
    const writtenAtMs = atMs - spanMs / 4 + chance.between(0, spanMs);
    scenario.write(slot, writtenAtMs, answerMs, chance.pick(KEYS));
  }
  // As long as both say the very same nobody can tell one from the other, and need not.
  scenario.write(ORIGINAL, atMs + 1_000, 10);
  return scenario;
}

/** Runs it to its end, and looks whether the clones are two nodes then. */
export function part(scenario: Scenario): void {
  const { world } = scenario;
  scenario.run(HEALED_AT_MS);
  world.network.heal();
  scenario.run(REST_AT_MS);
  const reason = unrest(world);
  if (reason !== undefined) scenario.fail('I10', `no rest after healing; ${reason}`);
  const [original, clone] = [scenario.member(ORIGINAL), scenario.member(CLONE)];
  if (original.origin === clone.origin) scenario.fail('I10', 'both keep one origin');
  const renewed = world.counts.get('origin renewed') ?? 0;
  if (renewed < 2) scenario.fail('I10', `origins were renewed ${renewed} times; one was kept`);
}

export const CLONES: readonly Directed[] = [
  {
    protection: 'renewOrigin',
    story: 'a machine is cloned while it runs, and both publish under the same numbers',
    run: (unprotected) => {
      for (let seed = 1; seed <= CLONINGS; seed += 1) part(cloning(seed, unprotected));
    },
  },
];
