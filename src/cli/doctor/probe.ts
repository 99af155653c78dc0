import type { BusError, ContinuityEvent, InvalidationBus } from '../../index.ts';

/** A frame that no cluster takes for its own: nodes that hear it pass over it without a word. */
export function probeFrame(text: string): string {
  return JSON.stringify({ v: 1, ns: 'unstale-doctor', t: 'probe', o: 'doctor/0', text });
}

/** One open bus, and what it hears. */
export class Probe {
  readonly bus: InvalidationBus;
  readonly #waiting = new Map<string, () => void>();
  #foreign = 0;
  #interruption: BusError | undefined;

  constructor(bus: InvalidationBus) {
    this.bus = bus;
  }

  /** Messages without a frame that were heard. */
  get foreign(): number {
    return this.#foreign;
  }

  /** Why the link was last interrupted, if it was. */
  get interruption(): BusError | undefined {
    return this.#interruption;
  }

  async open(signal: AbortSignal): Promise<void> {
    const receiver = {
      onFrame: (frame: string): void => {
        this.#waiting.get(frame)?.();
      },
      onForeign: (): void => {
        this.#foreign += 1;
      },
      onContinuity: (event: ContinuityEvent): void => {
        if ('cause' in event) this.#interruption = event.cause;
      },
    };
    await this.bus.open(receiver, { signal });
  }

  /** Resolves when `frame` is heard: `true`, or when `withinMs` have passed: `false`. */
  hears(frame: string, withinMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(frame);
        resolve(false);
      }, withinMs);
      this.#waiting.set(frame, () => {
        clearTimeout(timer);
        this.#waiting.delete(frame);
        resolve(true);
      });
    });
  }

  async close(): Promise<void> {
    await this.bus.close();
  }
}
