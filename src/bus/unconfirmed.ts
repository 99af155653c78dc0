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
      const waiter = new Waiter(resolve, reject);
      const fail = waiter.settle.bind(waiter);
      const stopTimer = timers.set(() => {
        const message = `the broker did not confirm the frame within ${confirmTimeoutMs} ms (confirmTimeoutMs)`;
        fail(new BusError('BUS_UNCONFIRMED', message));
      }, confirmTimeoutMs);
      const unwatch = this.#watchAbort(signal, fail);
      this.#waiting.add(fail);
      waiter.onSettled = () => {
        stopTimer();
        unwatch?.();
        this.#waiting.delete(fail);
      };
      waiter.follow(send);
    });
  }

  #watchAbort(
    signal: AbortSignal | undefined,
    fail: (error: unknown) => void,
  ): (() => void) | undefined {
    if (signal === undefined) return undefined;
    return this.#aborts.watch(signal, () => {
      fail(signal.reason);
    });
  }

  /** Nobody will confirm these any more: each may or may not have been accepted. */
  abandon(message: string, cause?: BusError): void {
    for (const fail of this.#waiting) {
      fail(new BusError('BUS_UNCONFIRMED', message, cause === undefined ? {} : { cause }));
    }
  }
}

/**
 * One caller who waits. A driver may hold on to its side of a frame for as long as the broker does not answer;
 * once the caller has been told, nothing of the call hangs on that any more.
 */
class Waiter {
  onSettled: (() => void) | undefined;
  #resolve: (() => void) | undefined;
  #reject: ((error: unknown) => void) | undefined;

  constructor(resolve: () => void, reject: (error: unknown) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  follow(send: () => Promise<void>): void {
    sent(send).then(
      () => {
        this.settle();
      },
      (error: unknown) => {
        this.settle(error);
      },
    );
  }

  settle(error?: unknown): void {
    if (error === undefined) this.#resolve?.();
    else this.#reject?.(error);
    this.#resolve = undefined;
    this.#reject = undefined;
    this.onSettled?.();
    this.onSettled = undefined;
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
