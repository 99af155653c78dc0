import type { BusTimers } from '../../../src/index.ts';

interface Waiting {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** Timers that run only when the test lets time pass. */
export class FakeTimers implements BusTimers {
  #nowMs = 0;
  readonly #waiting = new Set<Waiting>();

  set(callback: () => void, delayMs: number): () => void {
    const waiting = { dueMs: this.#nowMs + delayMs, callback };
    this.#waiting.add(waiting);
    return () => {
      this.#waiting.delete(waiting);
    };
  }

  get pending(): number {
    return this.#waiting.size;
  }

  /** Lets time pass; what each timer sets in motion settles before the next one runs. */
  async advance(durationMs: number): Promise<void> {
    const endMs = this.#nowMs + durationMs;
    await settled();
    for (let next = this.#nextBy(endMs); next !== undefined; next = this.#nextBy(endMs)) {
      this.#nowMs = next.dueMs;
      this.#waiting.delete(next);
      next.callback();
      await settled();
    }
    this.#nowMs = endMs;
  }

  #nextBy(endMs: number): Waiting | undefined {
    let next: Waiting | undefined;
    for (const waiting of this.#waiting) {
      if (waiting.dueMs <= endMs && (next === undefined || waiting.dueMs < next.dueMs)) {
        next = waiting;
      }
    }
    return next;
  }
}

/** Resolves when every promise that could settle by itself has done so. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
