import type { BusDriver, Link, LinkEvents } from './bus-driver.ts';
import { BusError } from './bus-error.ts';
import type { ResolvedTuning } from './bus-tuning.ts';
import type { BusReceiver, Frame } from './invalidation-bus.ts';

type Tell = (action: (receiver: BusReceiver) => void) => void;

/**
 * One attempt to attach, and the link that came of it. It is heard until it is superseded;
 * a `down` before it stands fails the attempt.
 */
export class LinkAttempt {
  readonly #driver: BusDriver;
  readonly #tuning: ResolvedTuning;
  readonly #events: LinkEvents;
  readonly #abort = new AbortController();
  #silent = false;
  #failure: BusError | undefined;
  #onDown: (cause: BusError) => void = (cause) => {
    this.#failure ??= cause;
    this.#abort.abort(cause);
  };
  /** Settles once nothing of this attempt is left: immediately, or when a link that came too late is detached. */
  released: Promise<void> = Promise.resolve();

  /** `heard` learns of each frame when it comes, the receiver when it is its turn. */
  constructor(
    driver: BusDriver,
    tuning: ResolvedTuning,
    options: { readonly tell: Tell; readonly heard: (frame: Frame) => void },
  ) {
    this.#driver = driver;
    this.#tuning = tuning;
    const say: Tell = (action) => {
      if (!this.#silent) options.tell(action);
    };
    this.#events = {
      frame: (frame) => {
        if (!this.#silent) options.heard(frame);
        say((receiver) => {
          receiver.onFrame(frame);
        });
      },
      foreign(message) {
        say((receiver) => {
          receiver.onForeign(message);
        });
      },
      gap(cause) {
        say((receiver) => {
          receiver.onContinuity({ type: 'gap', cause });
        });
      },
      down: (cause) => {
        if (!this.#silent) this.#onDown(cause);
      },
    };
  }

  /** Attaches, at most until `attachTimeoutMs` has passed or one of `signals` is aborted. */
  async run(signals: readonly AbortSignal[]): Promise<Link> {
    const { attachTimeoutMs, timers } = this.#tuning;
    const stopTimer = timers.set(() => {
      const message = `the broker did not let us attach within ${attachTimeoutMs} ms (attachTimeoutMs)`;
      this.#abort.abort(new BusError('BUS_UNREACHABLE', message));
    }, attachTimeoutMs);
    const unfollow = signals.map((signal) => follow(this.#abort, signal));
    try {
      return await this.#attach();
    } catch (error) {
      this.supersede();
      throw error;
    } finally {
      stopTimer();
      for (const stop of unfollow) stop();
    }
  }

  /** The link is in use from here on; `onDown` hears of its end, also of one that came a moment ago. */
  stands(onDown: (cause: BusError) => void): void {
    this.#onDown = onDown;
    if (this.#failure !== undefined) onDown(this.#failure);
  }

  /** From here on it falls silent. */
  supersede(): void {
    this.#silent = true;
  }

  #attach(): Promise<Link> {
    const { signal } = this.#abort;
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const attaching = started(() => this.#driver.attach(this.#events, signal));
      const onAbort = (): void => {
        reject(signal.reason);
        this.released = this.#discard(attaching);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      // From here on the link is the caller's to detach: an abort that comes later must not do it a second time.
      const settled = (): void => {
        signal.removeEventListener('abort', onAbort);
      };
      attaching.then(
        (link) => {
          settled();
          resolve(link);
        },
        (error: unknown) => {
          settled();
          reject(error instanceof BusError ? error : driverFailed(error));
        },
      );
    });
  }

  async #discard(attaching: Promise<Link>): Promise<void> {
    const gone = attaching.then(
      (late) => detach(late, this.#tuning),
      () => undefined,
    );
    await atMost(gone, this.#tuning);
  }
}

/** Detaches, bounded by `detachTimeoutMs`. A link that cannot say goodbye properly is gone all the same. */
export async function detach(link: Link, tuning: ResolvedTuning): Promise<void> {
  await atMost(
    started(() => link.detach()),
    tuning,
  );
}

function atMost(work: Promise<void>, tuning: ResolvedTuning): Promise<void> {
  return new Promise((resolve) => {
    const stop = tuning.timers.set(resolve, tuning.detachTimeoutMs);
    const done = (): void => {
      stop();
      resolve();
    };
    work.then(done, done);
  });
}

/** A driver that throws at once is a driver that rejects. */
async function started<T>(work: () => Promise<T>): Promise<T> {
  return await work();
}

function follow(controller: AbortController, signal: AbortSignal): () => void {
  const onAbort = (): void => {
    controller.abort(signal.reason);
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  return () => {
    signal.removeEventListener('abort', onAbort);
  };
}

function driverFailed(cause: unknown): BusError {
  return new BusError('BUS_UNREACHABLE', 'the driver could not attach; see `cause`', { cause });
}
