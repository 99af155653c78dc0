import { LocalClock } from '../../src/cluster/runtime.ts';
import type { Instant } from '../../src/protocol/instant.ts';

/** The clocks of one simulated machine: they drift, the wall clock jumps, and the monotonic one may stand still. */
export class NodeClock {
  readonly #rate: number;
  readonly #local = new LocalClock();
  #wallOffsetMs: number;
  /** The monotonic clock shows `#monoMs` at the true time `#sinceMs`. */
  #monoMs: number;
  #sinceMs: number;
  #frozenAtMs: number | undefined;

  constructor(options: {
    readonly nowMs: number;
    readonly rate: number;
    readonly monoMs: number;
    readonly wallOffsetMs: number;
  }) {
    this.#rate = options.rate;
    this.#monoMs = options.monoMs;
    this.#sinceMs = options.nowMs;
    this.#wallOffsetMs = options.wallOffsetMs;
  }

  monoMs(nowMs: number): number {
    const untilMs = this.#frozenAtMs ?? nowMs;
    return this.#monoMs + (untilMs - this.#sinceMs) * this.#rate;
  }

  localMs(nowMs: number): number {
    const monoMs = this.monoMs(nowMs);
    return this.#local.localMs(monoMs, monoMs + this.#wallOffsetMs);
  }

  instant(nowMs: number): Instant {
    const monoMs = this.monoMs(nowMs);
    const wallMs = monoMs + this.#wallOffsetMs;
    return { monoMs, wallMs, localMs: this.#local.localMs(monoMs, wallMs) };
  }

  /** The true time at which a timer set now for `delayMs` fires. */
  afterMs(nowMs: number, delayMs: number): number {
    return nowMs + delayMs / this.#rate;
  }

  /** Somebody steps the wall clock; not while the machine sleeps, because a step back would hide the sleep (A3). */
  jump(byMs: number): void {
    if (this.#frozenAtMs === undefined) this.#wallOffsetMs += byMs;
  }

  /** The machine is suspended: CLOCK_MONOTONIC stands still (nodejs/node#47724). */
  freeze(nowMs: number): void {
    // A step back that nobody has seen yet would hide the sleep that follows it as one in the midst of it does (A3).
    this.localMs(nowMs);
    this.#frozenAtMs ??= nowMs;
  }

  thaw(nowMs: number): void {
    if (this.#frozenAtMs === undefined) return;
    this.#monoMs = this.monoMs(nowMs);
    this.#wallOffsetMs += nowMs - this.#frozenAtMs;
    this.#sinceMs = nowMs;
    this.#frozenAtMs = undefined;
    // Timers that are overdue make the node look at its clocks as soon as it wakes, before anybody steps them (A3).
    this.localMs(nowMs);
  }
}
