import type { Counters } from '../../src/protocol/counters.ts';
import type { Protections } from '../../src/protocol/settings.ts';
import { unrest } from './convergence.ts';
import { Nemesis, spareSlots } from './nemesis.ts';
import { makePlan, type Fault } from './plan.ts';
import { Violation } from './violation.ts';
import { Workload } from './workload.ts';
import { StackMember } from './stack/stack-member.ts';
import { World, type WorldOptions } from './world.ts';

export interface ScheduleOptions {
  readonly unprotected?: Partial<Protections>;
  /** Faults that are left out. */
  readonly without?: ReadonlySet<Fault>;
  /** Keep a trace for a person. */
  readonly readable?: boolean;
  /** The invariants that are looked at; all of them by default. */
  readonly only?: ReadonlySet<string>;
}

/** What came of one schedule. */
export interface Outcome {
  readonly seed: number;
  readonly faults: readonly Fault[];
  readonly events: number;
  readonly simulatedMs: number;
  readonly hash: number;
  readonly worstStaleMs: number;
  /** The worst staleness as a share of the bound in force for the reader. */
  readonly worstShare: number;
  readonly violation: { readonly invariant: string; readonly message: string } | undefined;
  /** The assumption that the schedule broke; it ended there. */
  readonly broken: string | undefined;
  readonly counts: ReadonlyMap<string, number>;
  readonly trace: readonly string[];
}

/** Runs one schedule: work and faults first, then everything heals and the cluster must come to rest. */
export function runSchedule(seed: number, options: ScheduleOptions = {}): Outcome {
  const world = makeWorld(seed, options);
  try {
    for (const untilMs of unfold(world)) world.run(untilMs);
  } catch (error) {
    return outcomeOf(world, error);
  }
  return outcomeOf(world);
}

/** The same with the whole production stack: bus engine, shell and caches, with their promises. */
export async function runStackSchedule(
  seed: number,
  options: ScheduleOptions = {},
): Promise<Outcome> {
  // Loopback is part of a bus's contract: without it the engine takes each link for deaf.
  const without = new Set<Fault>([...(options.without ?? []), 'no-loopback']);
  const world = makeWorld(seed, {
    ...options,
    without,
    make: (where, member) => new StackMember(where, member),
  });
  try {
    for (const untilMs of unfold(world)) await world.runSettling(untilMs);
  } catch (error) {
    return outcomeOf(world, error);
  }
  return outcomeOf(world);
}

function makeWorld(seed: number, options: ScheduleOptions & Pick<WorldOptions, 'make'>): World {
  const { without = new Set<Fault>(), ...others } = options;
  const plan = makePlan(seed, without);
  return new World({ ...others, plan, spareSlots: spareSlots(plan) });
}

/** @throws `error`, unless it is a violation */
function outcomeOf(world: World, error?: unknown): Outcome {
  if (error !== undefined && !(error instanceof Violation)) throw error;
  if (error !== undefined) world.trace.line(world.nowMs, () => `VIOLATION ${error.message}`);
  return {
    seed: world.plan.seed,
    faults: [...world.plan.faults],
    events: world.events,
    simulatedMs: world.nowMs,
    hash: world.trace.hash,
    worstStaleMs: world.invariants.worstStaleMs,
    worstShare: world.invariants.worstShare,
    violation: error && { invariant: error.invariant, message: error.message },
    broken: world.broken,
    counts: world.counts,
    trace: world.trace.lines ?? [],
  };
}

/** What happens; yields how far the events are to be followed. */
function* unfold(world: World): Generator<number, void> {
  const { plan } = world;
  const workload = new Workload(world);
  startNodes(world);
  workload.start();
  new Nemesis(world, workload).start();
  yield plan.safetyMs;
  if (world.broken === undefined) yield* heal(world);
}

function startNodes(world: World): void {
  const { plan } = world;
  const chance = world.chance('start');
  const odd = plan.faults.has('config-mismatch') ? chance.below(plan.nodes) : undefined;
  for (let slot = 0; slot < plan.nodes; slot += 1) {
    const factor = chance.pick([0.5, 1.5, 2]) ?? 1;
    const overrides = slot === odd ? { maxStalenessMs: factor * plan.maxStalenessMs } : {};
    const isNewer = slot === plan.nodes - 1 && plan.faults.has('newer-node');
    world.at(chance.next() * plan.startWithinMs, () => {
      const port = world.network.ports[slot];
      if (port !== undefined) port.isNewer = isNewer;
      if (world.members[slot] === undefined) world.start(slot, overrides);
    });
  }
}

/** From here on nothing fails, and within bounded time everybody must know everything (I10). */
function* heal(world: World): Generator<number, void> {
  const { plan } = world;
  world.healed = true;
  world.trace.line(world.nowMs, () => 'everything heals');
  world.network.heal();
  for (const member of world.working()) member.resume();
  // Whom nobody understands nobody can prove: as long as it lives the others live by time.
  for (const member of world.working()) if (member.port.isNewer) member.crash();
  for (const port of world.network.ports) port.isNewer = false;
  const deadlineMs = plan.safetyMs + 2 * plan.forgetAfterMs + 12 * plan.maxStalenessMs;
  for (;;) {
    yield world.nowMs + plan.maxStalenessMs / 3;
    if (world.broken !== undefined) return;
    const reason = unrest(world);
    if (reason === undefined) break;
    if (world.nowMs > deadlineMs) {
      world.complain('I10', `no rest after healing; ${reason}`);
      return;
    }
  }
  for (const member of world.working()) gather(world, member.core.counters);
}

function gather(world: World, counters: Counters): void {
  for (const [name, value] of Object.entries(counters)) {
    if (typeof value === 'number' && value > 0) world.count(`counter ${name}`, value);
  }
}
