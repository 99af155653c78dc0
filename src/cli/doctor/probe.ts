import type { InvalidationBus } from '../../index.ts';

/** A frame that no cluster takes for its own: nodes that hear it pass over it without a word. */
export function probeFrame(text: string): string {
  return JSON.stringify({ v: 1, ns: 'unstale-doctor', t: 'probe', o: 'doctor/0', text });
}

/** One open bus, and what it hears. */
export class Probe {
  readonly bus: InvalidationBus;
  readonly #waiting = new Map<string, () => void>();
  #foreign = 0;

  constructor(bus: InvalidationBus) {
    this.bus = bus;
  }

  /** Messages without a frame that were heard. */
  get foreign(): number {
    return this.#foreign;
  }

  async open(signal: AbortSignal): Promise<void> {
    const receiver = {
      onFrame: (frame: string): void => {
        this.#waiting.get(frame)?.();
      },
      onForeign: (): void => {
        this.#foreign += 1;
      },
      onContinuity: (): void => undefined,
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
