import { BusError } from '../bus/bus-error.ts';

/** Those who wait until the whole cluster counts on this node. */
export class ReadyWaiters {
  readonly #waiting = new Set<{ resolve: () => void; reject: (reason: unknown) => void }>();

  /** Resolves when the node is ready. @throws the reason of the abort, or of the end */
  async wait(signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.delete(waiter);
        reject(signal?.reason);
      };
      const settled = (settle: () => void): void => {
        signal?.removeEventListener('abort', onAbort);
        settle();
      };
      const waiter = {
        resolve: () => {
          settled(resolve);
        },
        reject: (reason: unknown) => {
          settled(() => {
            reject(reason);
          });
        },
      };
      this.#waiting.add(waiter);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  done(): void {
    for (const { resolve } of this.#waiting) resolve();
    this.#waiting.clear();
  }

  fail(reason: unknown): void {
    for (const { reject } of this.#waiting) reject(reason);
    this.#waiting.clear();
  }
}

export function closedBeforeReady(): BusError {
  return new BusError('BUS_NOT_OPEN', 'the cluster was closed before this node was ready');
}
