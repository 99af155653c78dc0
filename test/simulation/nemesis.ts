import { partition, split } from './cuts.ts';
import { garbage } from './garbage.ts';
import type { Member } from './member.ts';
import type { Port } from './port.ts';
import type { Fault, Plan } from './plan.ts';
import type { Prng } from './prng.ts';
import { CLUSTER, type World } from './world.ts';
import type { Workload } from './workload.ts';

/** How long a node stays to answer requests for repair after its bye. */
const LINGER_MS = 1_000;

type Action = (chance: Prng) => void;

/** Does the plan's faults to the cluster, each at moments from a stream of chance of its own. */
export class Nemesis {
  readonly #world: World;
  readonly #workload: Workload;
  readonly #actions: Partial<Record<Fault, Action>>;

  constructor(world: World, workload: Workload) {
    this.#world = world;
    this.#workload = workload;
    this.#actions = { ...this.#lineFaults(), ...this.#processFaults(), ...this.#messageFaults() };
  }

  start(): void {
    const { plan } = this.#world;
    for (const fault of plan.faults) {
      const action = this.#actions[fault];
      if (action === undefined) continue;
      this.#schedule(fault, action, this.#world.chance(fault));
    }
  }

  #schedule(fault: Fault, action: Action, chance: Prng): void {
    const world = this.#world;
    const { safetyMs } = world.plan;
    const next = world.nowMs + chance.exponential(safetyMs / (OFTEN[fault] ?? 3));
    if (next >= safetyMs) return;
    world.at(next, () => {
      world.trace.line(world.nowMs, () => `fault: ${fault}`);
      world.count(`fault ${fault}`);
      action(chance);
      this.#schedule(fault, action, chance);
    });
  }

  #lineFaults(): Partial<Record<Fault, Action>> {
    const { network } = this.#world;
    return {
      bursts: (chance) => {
        this.#port(chance).burstUntilMs = this.#until(chance, 0.3);
      },
      clog: (chance) => {
        network.clog(this.#port(chance), this.#until(chance, 0.5));
      },
      'swizzle-clog': (chance) => {
        this.#swizzle(chance);
      },
      'slow-outbound': (chance) => {
        this.#port(chance).upCloggedUntilMs = this.#until(chance, 0.4);
      },
      'one-way': (chance) => {
        const port = this.#port(chance);
        if (chance.chance(0.5)) port.upBlockedUntilMs = this.#until(chance, 0.5);
        else network.sever(port.slot, this.#port(chance).slot, this.#until(chance, 0.7));
      },
      partition: (chance) => {
        partition(network, chance, this.#until(chance, 0.7));
      },
      cells: (chance) => {
        split(network, chance.below(2 ** network.ports.length), this.#until(chance, 0.7));
      },
      'broker-restart': (chance) => {
        network.restart(() => chance.exponential(200));
      },
      overflow: (chance) => {
        network.clog(this.#port(chance), this.#until(chance, 0.4), 1 + chance.below(8));
      },
      'new-session': (chance) => {
        network.interrupt(this.#port(chance), chance.exponential(300), 'new');
      },
      'resumed-session': (chance) => {
        network.interrupt(this.#port(chance), chance.exponential(300), 'resumed');
      },
      deaf: (chance) => {
        this.#port(chance).downBlockedUntilMs = this.#until(chance, 0.5);
      },
    };
  }

  #processFaults(): Partial<Record<Fault, Action>> {
    const world = this.#world;
    return {
      crash: (chance) => {
        this.#crash(this.#member(chance), chance);
      },
      'crash-in-write': (chance) => {
        this.#crash(chance.pick([...this.#workload.underWay]), chance);
      },
      'kill-all': (chance) => {
        for (const member of world.working()) this.#crash(member, chance);
      },
      pause: (chance) => {
        this.#member(chance)?.pause(this.#until(chance, chance.chance(0.5) ? 0.1 : 0.6));
      },
      'pause-in-write': (chance) => {
        chance.pick([...this.#workload.underWay])?.pause(this.#until(chance, 0.8));
      },
      suspend: (chance) => {
        // Below its threshold of a second a stop goes unnoticed, which A3 excludes.
        const untilMs = world.nowMs + 1_050 + chance.exponential(0.5 * world.plan.maxStalenessMs);
        if (untilMs < world.plan.safetyMs) this.#member(chance)?.pause(untilMs, true);
      },
      'wall-jump': (chance) => {
        const byMs = chance.pick([-3_600_000, -5_000, 2_000, 3_600_000]) ?? 0;
        this.#member(chance)?.clock.jump(byMs);
      },
      join: (chance) => {
        this.#join(chance.chance(0.3) ? 2 : 1);
      },
      'join-isolated': (chance) => {
        const untilMs = this.#until(chance, 0.8);
        const joined = this.#join(2);
        for (const { slot } of joined) this.#isolate(slot, joined, untilMs);
      },
      bye: (chance) => {
        const member = this.#member(chance);
        if (member === undefined) return;
        member.leave(LINGER_MS);
        if (chance.chance(0.5)) this.#restart(member.port.slot, LINGER_MS + 100);
      },
    };
  }

  #messageFaults(): Partial<Record<Fault, Action>> {
    const { network } = this.#world;
    return {
      garbage: (chance) => {
        network.inject(garbage(chance, this.#member(chance)?.origin ?? 'n0/gone'));
      },
      replay: (chance) => {
        for (let count = chance.below(12); count >= 0; count -= 1) {
          const frame = chance.pick(network.recorded);
          if (frame !== undefined)
            network.inject(frame, chance.chance(0.5) ? this.#port(chance) : undefined);
        }
      },
      'unknown-version': () => {
        network.inject(`{"v":2,"ns":"${CLUSTER}","t":"beat","o":"future/0000000000000"}`);
      },
    };
  }

  #crash(member: Member | undefined, chance: Prng): void {
    if (member === undefined) return;
    this.#workload.underWay.delete(member);
    member.crash();
    if (chance.chance(0.7)) this.#restart(member.port.slot, chance.exponential(400));
  }

  #restart(slot: number, afterMs: number): void {
    const world = this.#world;
    // Where others have joined, the number of nodes at the start says nothing any more.
    const overrides = spareSlots(world.plan) > 0 ? { expectedNodes: undefined } : {};
    world.at(world.nowMs + afterMs, () => {
      if (world.members[slot] === undefined) world.start(slot, overrides);
    });
  }

  /** New nodes, in slots that were never used, as far as there are any. */
  #join(count: number): Port[] {
    const world = this.#world;
    const joined: Port[] = [];
    // Who counts those he expects must not count others.
    const { expectedNodes } = world.plan;
    const counting = [...world.working()].some((member) => !member.core.members.settled);
    if (counting && expectedNodes !== undefined) return joined;
    for (const port of world.network.ports) {
      if (joined.length >= count) break;
      if (port.slot < world.plan.nodes || world.members[port.slot] !== undefined) continue;
      joined.push(port);
      world.start(port.slot, { expectedNodes: undefined });
    }
    return joined;
  }

  /** Heard by, and hearing, none but those of `friends`. */
  #isolate(slot: number, friends: readonly Port[], untilMs: number): void {
    for (const port of this.#world.network.ports) {
      if (friends.includes(port)) continue;
      this.#world.network.sever(slot, port.slot, untilMs);
      this.#world.network.sever(port.slot, slot, untilMs);
    }
  }

  /** Clogs some lines one by one, and unclogs them in another order (FoundationDB's swizzle). */
  #swizzle(chance: Prng): void {
    const world = this.#world;
    const some = chance
      .shuffle([...world.network.ports])
      .slice(0, 1 + chance.below(world.network.ports.length));
    const stepMs = chance.exponential(0.1 * world.plan.maxStalenessMs);
    const opening = chance.shuffle(some.map((_, index) => index));
    for (const [index, port] of some.entries()) {
      const untilMs = world.nowMs + (some.length + (opening[index] ?? 0) + 1) * stepMs;
      world.at(world.nowMs + index * stepMs, () => {
        if (!world.healed) world.network.clog(port, Math.min(untilMs, world.plan.safetyMs));
      });
    }
  }

  #member(chance: Prng): Member | undefined {
    return chance.pick([...this.#world.working()]);
  }

  #port(chance: Prng): Port {
    const { ports } = this.#world.network;
    const port = chance.pick(ports);
    if (port === undefined) throw new RangeError('a cluster has at least one slot');
    return port;
  }

  /** The end of something that lasts `share` of the bound on average. */
  #until(chance: Prng, share: number): number {
    const { plan, nowMs } = this.#world;
    const longestMs = plan.forgetAfterMs < plan.safetyMs ? 0.5 * plan.forgetAfterMs : plan.safetyMs;
    const lastsMs = Math.min(longestMs, chance.exponential(2 * share * plan.maxStalenessMs));
    return Math.min(plan.safetyMs, nowMs + lastsMs);
  }
}

/** How often a fault happens in a schedule on average, where it is not three times. */
const OFTEN: Partial<Record<Fault, number>> = {
  'crash-in-write': 20,
  'pause-in-write': 20,
  'kill-all': 1,
  crash: 2,
  join: 2,
  'join-isolated': 2,
  bye: 2,
  replay: 8,
  garbage: 8,
  'unknown-version': 1,
};

/** Slots for nodes that join while a schedule runs. */
export function spareSlots(plan: Plan): number {
  return plan.faults.has('join') || plan.faults.has('join-isolated') ? 2 : 0;
}
