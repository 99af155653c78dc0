import type { Instant } from '../protocol/instant.ts';

/** What a node takes from its surroundings: time, timers and chance. Replaced in tests and in the simulator. */
export interface Runtime {
  now(): Instant;
  /** The ages' clock alone: `now().localMs`, without an allocation. */
  localMs(): number;
  /** Calls `callback` once after `delayMs`; returns what cancels it. */
  setTimer(callback: () => void, delayMs: number): () => void;
  /** Calls `callback` after the input and output that waits now. */
  defer(callback: () => void): void;
  /**
   * Calls `callback` once everything is done that follows from what is being done now, and before any input or output.
   * Without it, every invalidation that finds nothing in flight is a frame of its own.
   */
  endTurn?(callback: () => void): void;
  /** Evenly from 0 to 1. */
  random(): number;
}

/** Node's timers take at most this. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** How long the process may have run since the wall clock was last looked at, in ms. */
const WALL_CHECK_MS = 1;

/** The real thing. One for each node, because it remembers what it has seen of the clocks. */
export function systemRuntime(): Runtime {
  const clock = new LocalClock();
  let checkedAtMs = Number.NEGATIVE_INFINITY;
  return {
    now() {
      const readMs = performance.now();
      const wallMs = Date.now();
      checkedAtMs = readMs;
      const localMs = clock.localMs(readMs, wallMs);
      return { monoMs: clock.steadyMs(readMs), wallMs, localMs };
    },
    // The monotonic clock is read at every call; the wall clock, which only tells of suspensions, once in a millisecond of
    // running time. A suspension can always fall between the check and the use of a value, which is rarely less than
    // that: docs/decisions/0013-reading-one-clock.md.
    localMs() {
      const monoMs = performance.now();
      const sinceMs = monoMs - checkedAtMs;
      if (sinceMs >= 0 && sinceMs < WALL_CHECK_MS) return monoMs + clock.jumpedMs;
      checkedAtMs = monoMs;
      return clock.localMs(monoMs, Date.now());
    },
    setTimer(callback, delayMs) {
      const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), LONGEST_TIMER_MS));
      return () => {
        clearTimeout(timer);
      };
    },
    defer(callback) {
      setImmediate(callback);
    },
    endTurn(callback) {
      // A tick that is asked for within a microtask comes after all of them: whoever awaits has gone on by then.
      queueMicrotask(() => {
        process.nextTick(callback);
      });
    },
    // From the system: machines that were cloned while running share the state of `Math.random` (ID-1).
    random: () => {
      const [word = 0] = crypto.getRandomValues(new Uint32Array(1));
      return word / 2 ** 32;
    },
  };
}

/**
 * A step of the wall clock against the monotonic one that is taken for a suspension of the machine, in ms.
 * Shorter ones are within what the two readings and the steps of time servers differ by.
 */
const JUMP_MS = 100;

/**
 * The clock on which ages are counted (READ-4): monotonic, and moved forward by whatever the wall clock
 * jumps ahead of it. While a virtual machine is suspended CLOCK_MONOTONIC stands still
 * (nodejs/node#47724); a stepped clock can only make entries older. It never goes back, even where the
 * monotonic clock does.
 */
export class LocalClock {
  #lowestOffsetMs: number = Number.POSITIVE_INFINITY;
  #lastMonoMs: number = Number.NEGATIVE_INFINITY;
  /** What the monotonic clock has gone back so far. */
  #backMs = 0;
  #jumpedMs = 0;

  /** By how much it is ahead of the monotonic clock so far. */
  get jumpedMs(): number {
    return this.#jumpedMs;
  }

  /** The monotonic clock, mended: it stands where it went back. To be called after `localMs`. */
  steadyMs(monoMs: number): number {
    return monoMs + this.#backMs;
  }

  localMs(monoMs: number, wallMs: number): number {
    if (monoMs < this.#lastMonoMs) {
      this.#backMs += this.#lastMonoMs - monoMs;
      this.#jumpedMs += this.#lastMonoMs - monoMs;
      this.#lowestOffsetMs = wallMs - monoMs;
    }
    this.#lastMonoMs = monoMs;
    const offsetMs = wallMs - monoMs;
    const aheadMs = offsetMs - this.#lowestOffsetMs;
    if (aheadMs > JUMP_MS) {
      this.#jumpedMs += aheadMs;
      this.#lowestOffsetMs = offsetMs;
    } else if (aheadMs < 0) {
      this.#lowestOffsetMs = offsetMs;
    }
    return monoMs + this.#jumpedMs;
  }
}
