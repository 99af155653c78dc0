import type { BusCapabilities, BusTimers } from '../../src/index.ts';

interface Waiting {
  ready: boolean;
  readonly pass: () => void;
}

/** Delays that keep the promised order: what is ready early waits for what was sent before it. */
export class Delays {
  readonly #ordering: BusCapabilities['ordering'];
  readonly #timers: BusTimers;
  readonly #queues = new Map<string, Waiting[]>();
  readonly #running = new Set<() => void>();

  constructor(options: {
    readonly ordering: BusCapabilities['ordering'];
    readonly timers: BusTimers;
  }) {
    this.#ordering = options.ordering;
    this.#timers = options.timers;
  }

  pass(from: string, delayMs: number, pass: () => void): void {
    if (this.#ordering === 'none') {
      if (delayMs > 0) this.#after(delayMs, pass);
      else pass();
      return;
    }
    const key = this.#ordering === 'total' ? '' : from;
    const queue = this.#queues.get(key);
    if (delayMs <= 0 && queue === undefined) {
      pass();
      return;
    }
    const item = { ready: delayMs <= 0, pass };
    if (queue === undefined) this.#queues.set(key, [item]);
    else queue.push(item);
    if (item.ready) return;
    this.#after(delayMs, () => {
      item.ready = true;
      this.#drain(key);
    });
  }

  clear(): void {
    for (const stop of this.#running) stop();
    this.#running.clear();
    this.#queues.clear();
  }

  #after(delayMs: number, act: () => void): void {
    const stop = this.#timers.set(() => {
      this.#running.delete(stop);
      act();
    }, delayMs);
    this.#running.add(stop);
  }

  #drain(key: string): void {
    const queue = this.#queues.get(key);
    while (queue?.[0]?.ready === true) queue.shift()?.pass();
    if (queue?.length === 0) this.#queues.delete(key);
  }
}
