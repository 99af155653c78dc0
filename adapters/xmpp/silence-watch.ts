/** One step of a watch: what is done after so much silence. */
export interface SilenceStep {
  readonly afterMs: number;
  act(): void;
}

/**
 * Takes its steps one after the other while nothing is heard; every sign of life starts over. Costs a
 * timestamp per sign, not a timer.
 */
export class SilenceWatch {
  readonly #steps: readonly SilenceStep[];
  #next = 0;
  #since: number;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(steps: readonly SilenceStep[]) {
    this.#steps = steps;
    this.#since = performance.now();
    this.#wait();
  }

  heard(): void {
    this.#since = performance.now();
    // Taken a step already: the timer that runs is the one of a later step.
    if (this.#next === 0) return;
    this.#next = 0;
    this.#wait();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #wait(): void {
    clearTimeout(this.#timer);
    const step = this.#steps[this.#next];
    if (step === undefined || this.#stopped) return;
    const leftMs = Math.max(1, this.#since + step.afterMs - performance.now());
    // A process that stood still finds its timers due before it reads what had arrived: let it read first.
    this.#timer = setTimeout(() => setImmediate(() => this.#take(step)), leftMs);
  }

  #take(step: SilenceStep): void {
    if (this.#stopped || this.#steps[this.#next] !== step) return;
    if (performance.now() - this.#since >= step.afterMs) {
      this.#next += 1;
      // The time for the next step begins when this one was taken, however late that was.
      this.#since = performance.now();
      step.act();
    }
    this.#wait();
  }
}
