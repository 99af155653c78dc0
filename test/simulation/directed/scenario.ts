import type { Protections, Settings } from '../../../src/protocol/settings.ts';
import type { Member } from '../member.ts';
import { quietPlan, type Plan } from '../plan.ts';
import { Violation } from '../violation.ts';
import { World, type WorldOptions } from '../world.ts';

/** What is done to a cluster on purpose, and what must not come of it. */
export interface Directed {
  /** The protection that it is about. */
  readonly protection: keyof Protections;
  /** What happens, for people. */
  readonly story: string;
  readonly run: (unprotected: Partial<Protections>) => void;
}

/** The violation that a directed schedule ends with, if any. */
export function violationOf(
  directed: Directed,
  unprotected: Partial<Protections>,
): Violation | undefined {
  try {
    directed.run(unprotected);
  } catch (error) {
    if (error instanceof Violation) return error;
    throw error;
  }
  return undefined;
}

/** A quiet cluster to which things are done at given moments: one key, constant latency, exact clocks. */
export class Scenario {
  readonly world: World;

  constructor(
    unprotected: Partial<Protections>,
    plan: Partial<Plan> & {
      readonly spareSlots?: number;
    } & Pick<WorldOptions, 'make' | 'only'> = {},
  ) {
    const { spareSlots = 0, only, make, ...overrides } = plan;
    this.world = new World({
      plan: quietPlan(overrides),
      unprotected,
      spareSlots,
      ...(only === undefined ? {} : { only }),
      ...(make === undefined ? {} : { make }),
    });
    this.world.network.heal();
  }

  startAll(): void {
    for (let slot = 0; slot < this.world.plan.nodes; slot += 1) this.world.start(slot);
  }

  start(slot: number, overrides: Partial<Settings> = {}): Member {
    return this.world.start(slot, overrides);
  }

  member(slot: number): Member {
    const member = this.world.members[slot];
    if (member === undefined) throw new RangeError(`nobody is in slot ${slot}`);
    return member;
  }

  at(atMs: number, action: () => void): void {
    this.world.at(atMs, action);
  }

  run(untilMs: number): void {
    this.world.run(untilMs);
    if (this.world.broken !== undefined) throw new RangeError(`it breaks ${this.world.broken}`);
  }

  /** `from` is not heard by `to` from `sinceMs` to `untilMs`. */
  sever(from: number, to: number, sinceMs: number, untilMs: number): void {
    this.at(sinceMs, () => {
      this.world.network.sever(from, to, untilMs);
    });
  }

  /** Reads the key in `slot` every 50 ms, as far as that is a hit. */
  readEvery(slot: number, sinceMs: number, untilMs: number): void {
    for (let atMs = sinceMs; atMs < untilMs; atMs += 50) {
      this.at(atMs, () => {
        const { world } = this;
        const member = world.members[slot];
        const version = member?.life.isRunning === true ? member.peek('a', 'k0') : undefined;
        if (member === undefined || version === undefined) return;
        world.invariants.served(member, 'a/k0', version, world.nowMs);
      });
    }
  }

  /** Reads `key` in `slot` every 50 ms, and loads it where that is no hit. */
  useEvery(slot: number, key: string, sinceMs: number, untilMs: number): void {
    for (let atMs = sinceMs; atMs < untilMs; atMs += 50) {
      this.at(atMs, () => {
        const { world } = this;
        const member = world.members[slot];
        if (member?.life.isRunning !== true) return;
        const version = member.peek('a', key);
        if (version === undefined) member.load('a', key, { latencyMs: 5, readsAfterMs: 0 });
        else world.invariants.served(member, `a/${key}`, version, world.nowMs);
      });
    }
  }

  /** Loads the key in `slot`; the source is read at the start. */
  load(slot: number, atMs: number, loadMs: number): void {
    this.at(atMs, () => {
      this.member(slot).load('a', 'k0', { latencyMs: loadMs, readsAfterMs: 0 });
    });
  }

  /** A guarded write, if `slot` is ready: reserved at `atMs`, committed a moment later, answered after `answerMs`. */
  write(slot: number, atMs: number, answerMs: number, key = 'k0'): void {
    const { world } = this;
    const selection = { keys: { a: [key] } };
    this.at(atMs, () => {
      const member = world.members[slot];
      if (member?.core.members.ready !== true) return;
      const end = member.guard(selection);
      this.at(atMs + 1, () => {
        world.source.commit(`a/${key}`, world.nowMs, true);
      });
      this.at(atMs + answerMs, () => {
        member.life.do(() => {
          end(selection, { for: 'bus' }, () => undefined);
        });
      });
    });
  }

  /** Says that something did not come out as it must. */
  fail(invariant: string, message: string): never {
    throw new Violation(invariant, message);
  }
}
