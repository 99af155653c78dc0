import { LocalClock, type Runtime } from '../../../src/cluster/runtime.ts';
import type { Instant } from '../../../src/index.ts';

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** Lets everything run that waits for no time to pass. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Clocks that stand still until they are told to move. */
export class VirtualRuntime implements Runtime {
  #monoMs = 1_000;
  #wallMs = 1_700_000_000_000;
  readonly #clock = new LocalClock();
  readonly #timers = new Set<Timer>();
  #chance = 1;
  /** What `random` says, where a test wants to say it. */
  drawn: number | undefined;

  now(): Instant {
    const monoMs = this.#monoMs;
    const wallMs = this.#wallMs;
    return { monoMs, wallMs, localMs: this.#clock.localMs(monoMs, wallMs) };
  }

  localMs(): number {
    return this.now().localMs;
  }

  setTimer(callback: () => void, delayMs: number): () => void {
    const timer = { atMs: this.#monoMs + Math.max(0, delayMs), callback };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  defer(callback: () => void): void {
    setImmediate(callback);
  }

  random(): number {
    if (this.drawn !== undefined) return this.drawn;
    this.#chance = (Math.imul(this.#chance, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#chance / 2 ** 32;
  }

  /** Timers that have not run and were not cancelled. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Time passes, and what is due in it happens in it. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#monoMs + ms;
    await turn();
    for (let next = this.#next(endMs); next !== undefined; next = this.#next(endMs)) {
      this.#timers.delete(next);
      this.block(Math.max(0, next.atMs - this.#monoMs));
      next.callback();
      await turn();
    }
    this.block(endMs - this.#monoMs);
    await turn();
  }

  /** Time passes in one turn of the event loop: no timer runs. */
  block(ms: number): void {
    this.#monoMs += ms;
    this.#wallMs += ms;
  }

  /** The machine sleeps: the monotonic clock stands still. */
  suspend(ms: number): void {
    this.#wallMs += ms;
  }

  #next(endMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.atMs <= endMs && (next === undefined || timer.atMs < next.atMs)) next = timer;
    }
    return next;
  }
}
