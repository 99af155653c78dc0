import { AbortWatch } from './abort-watch.ts';
import { BusError } from './bus-error.ts';
import type { ResolvedTuning } from './bus-tuning.ts';

/** The frames that were handed to a link and are not yet settled. Each settles in bounded time, whatever the link does. */
export class Unconfirmed {
  readonly #tuning: ResolvedTuning;
  readonly #aborts = new AbortWatch();
  readonly #waiting = new Set<(error: BusError) => void>();

  constructor(tuning: ResolvedTuning) {
    this.#tuning = tuning;
  }

  /** Sends, and settles with the broker's answer, at the confirm timeout, at the abort, or when abandoned. */
  settle(send: () => Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    const { confirmTimeoutMs, maxUnconfirmedFrames, timers } = this.#tuning;
    if (this.#waiting.size >= maxUnconfirmedFrames) {
      const message = `${maxUnconfirmedFrames} frames await confirmation (maxUnconfirmedFrames); wait for some of them`;
      return Promise.reject(new BusError('BUS_REJECTED', message));
    }
    return new Promise<void>((resolve, reject) => {
      const release = (): void => {
        stop();
        this.#waiting.delete(fail);
        unwatch?.();
      };
      const fail = (error: unknown): void => {
        release();
        reject(error);
      };
      const stop = timers.set(() => {
        const message = `the broker did not confirm the frame within ${confirmTimeoutMs} ms (confirmTimeoutMs)`;
        fail(new BusError('BUS_UNCONFIRMED', message));
      }, confirmTimeoutMs);
      this.#waiting.add(fail);
      const unwatch =
        signal &&
        this.#aborts.watch(signal, () => {
          fail(signal.reason);
        });
      sent(send).then(() => {
        release();
        resolve();
      }, fail);
    });
  }

  /** Nobody will confirm these any more: each may or may not have been accepted. */
  abandon(message: string, cause?: BusError): void {
    for (const fail of this.#waiting) {
      fail(new BusError('BUS_UNCONFIRMED', message, cause === undefined ? {} : { cause }));
    }
  }
}

/** A driver that throws, or rejects with something else than a `BusError`, has still told us nothing about the frame. */
async function sent(send: () => Promise<void>): Promise<void> {
  try {
    await send();
  } catch (error) {
    if (error instanceof BusError) throw error;
    throw new BusError('BUS_UNCONFIRMED', 'the driver failed while sending the frame', {
      cause: error,
    });
  }
}
