import type { BusTimers } from '../../../src/bus/bus-tuning.ts';
import type { Runtime } from '../../../src/cluster/runtime.ts';
import type { Instant } from '../../../src/protocol/instant.ts';
import type { Life } from '../life.ts';
import type { NodeClock } from '../node-clock.ts';
import type { World } from '../world.ts';

/** Timers, clocks and chance of one simulated process, for the production shell and the production bus. */
export class VirtualRuntime implements Runtime, BusTimers {
  readonly #world: World;
  readonly #clock: NodeClock;
  readonly #life: Life;
  readonly #random: () => number;
  /** Timers that came due while the process stood still. */
  #overdue: (() => void)[] = [];

  constructor(
    world: World,
    options: { readonly clock: NodeClock; readonly life: Life; readonly random: () => number },
  ) {
    this.#world = world;
    this.#clock = options.clock;
    this.#life = options.life;
    this.#random = options.random;
  }

  now(): Instant {
    return this.#clock.instant(this.#world.nowMs);
  }

  localMs(): number {
    return this.#clock.localMs(this.#world.nowMs);
  }

  random(): number {
    return this.#random();
  }

  set(callback: () => void, delayMs: number): () => void {
    return this.setTimer(callback, delayMs);
  }

  setTimer(callback: () => void, delayMs: number): () => void {
    const timer = { callback: () => callback(), cancelled: false };
    // Node's timers are whole milliseconds, and never early.
    const waitMs = Math.max(1, Math.ceil(delayMs));
    this.#arm(timer, this.#clock.monoMs(this.#world.nowMs) + waitMs);
    return () => {
      timer.cancelled = true;
    };
  }

  defer(callback: () => void): void {
    this.#world.at(this.#world.nowMs, () => {
      this.#life.do(callback);
    });
  }

  endTurn(callback: () => void): void {
    this.defer(callback);
  }

  /** Fires what came due during a pause: before anything that was heard. */
  fireOverdue(): void {
    const overdue = this.#overdue;
    this.#overdue = [];
    for (const fire of overdue) fire();
  }

  #arm(timer: { readonly callback: () => void; cancelled: boolean }, dueMonoMs: number): void {
    const world = this.#world;
    const waitMs = dueMonoMs - this.#clock.monoMs(world.nowMs);
    const atMs = this.#clock.afterMs(world.nowMs, waitMs) + world.timerLatenessMs();
    const fire = (): void => {
      if (timer.cancelled || this.#life.hasEnded) return;
      if (this.#life.isPaused) this.#overdue.push(fire);
      // The clock may have stood still meanwhile.
      else if (this.#clock.monoMs(world.nowMs) < dueMonoMs - 1e-6) this.#arm(timer, dueMonoMs);
      else timer.callback();
    };
    world.at(atMs, fire);
  }
}
