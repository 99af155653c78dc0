import { backoffMs } from '../bus/backoff.ts';
import { BusError, isFatal } from '../bus/bus-error.ts';
import type {
  BusCapabilities,
  BusReceiver,
  BusState,
  ContinuityEvent,
  Frame,
  InvalidationBus,
  PublishOptions,
} from '../bus/invalidation-bus.ts';
import type { Runtime } from './runtime.ts';

/** The ceiling of the first wait before another bus is made, in ms; doubled with every failure. */
const REOPEN_BASE_MS = 200;
/** The highest ceiling of that wait. */
const REOPEN_CAP_MS = 5_000;
/** The wait after an error that only a person can mend: a credential, a right, a setting. */
const FATAL_RETRY_MS = 30_000;
/** How long one bus may take to open. */
const OPEN_TIMEOUT_MS = 60_000;

/**
 * A bus that is away until the first of its buses has opened, and whenever one has failed for good: then it
 * makes another. So nobody has to wait for the broker, and a broker that comes back is found again.
 */
export class PersistentBus implements InvalidationBus {
  readonly capabilities: BusCapabilities;
  readonly #make: () => InvalidationBus;
  readonly #runtime: Runtime;
  #receiver: BusReceiver | undefined;
  /** The bus that is open or opening. */
  #bus: InvalidationBus | undefined;
  #next: InvalidationBus | undefined;
  #failures = 0;
  #cancelWait: (() => void) | undefined;
  readonly #lifetime = new AbortController();
  #opening: Promise<void> = Promise.resolve();

  /** Makes the first bus at once, to know what it can do. @throws what `make` throws */
  constructor(make: () => InvalidationBus, runtime: Runtime) {
    this.#make = make;
    this.#runtime = runtime;
    this.#next = make();
    this.capabilities = this.#next.capabilities;
  }

  get state(): BusState {
    if (this.#lifetime.signal.aborted) return 'closed';
    if (this.#receiver === undefined) return 'idle';
    return this.#bus?.state === 'open' ? 'open' : 'interrupted';
  }

  /** Resolves at once; `resumed` tells when the broker was found, and `interrupted` of each attempt that failed. */
  async open(receiver: BusReceiver): Promise<void> {
    this.#receiver = receiver;
    this.#opening = this.#open();
    await Promise.resolve();
  }

  async publish(frame: Frame, options?: PublishOptions): Promise<void> {
    if (this.#bus === undefined) {
      throw new BusError(
        'BUS_INTERRUPTED',
        'the broker has not been found yet; wait for `resumed`',
      );
    }
    await this.#bus.publish(frame, options);
  }

  async close(): Promise<void> {
    this.#receiver = undefined;
    this.#lifetime.abort(new BusError('BUS_NOT_OPEN', 'the bus was closed'));
    this.#cancelWait?.();
    const bus = this.#bus ?? this.#next;
    await bus?.close();
    await this.#opening;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #open(): Promise<void> {
    let bus: InvalidationBus | undefined;
    const { signal } = this.#lifetime;
    const attempt = new AbortController();
    const cancel = this.#runtime.setTimer(() => {
      const message = `the bus did not open within ${OPEN_TIMEOUT_MS} ms`;
      attempt.abort(new BusError('BUS_UNREACHABLE', message));
    }, OPEN_TIMEOUT_MS);
    try {
      bus = this.#take();
      this.#bus = bus;
      const options = { signal: AbortSignal.any([signal, attempt.signal]) };
      await settledBy(bus.open(this.#hear(bus), options), options.signal);
      if (signal.aborted) return;
      this.#failures = 0;
      this.#tell({ type: 'resumed', loss: 'possible' });
    } catch (error) {
      if (bus !== undefined) void closed(bus);
      this.#failed(bus, error);
    } finally {
      cancel();
    }
  }

  /** The bus that was made to know its capabilities, or another. */
  #take(): InvalidationBus {
    const bus = this.#next ?? this.#make();
    this.#next = undefined;
    if (bus.capabilities.maxFrameBytes < this.capabilities.maxFrameBytes) {
      const message = `a bus was made that takes frames of ${bus.capabilities.maxFrameBytes} bytes, but the first took ${this.capabilities.maxFrameBytes}; make them alike`;
      throw new BusError('BUS_MISCONFIGURED', message);
    }
    return bus;
  }

  /** What one of the buses says; nothing, once it was given up. */
  #hear(bus: InvalidationBus): BusReceiver {
    return {
      onFrame: (frame) => {
        if (this.#bus === bus) this.#receiver?.onFrame(frame);
      },
      onForeign: (message) => {
        if (this.#bus === bus) this.#receiver?.onForeign(message);
      },
      onContinuity: (event) => {
        if (this.#bus !== bus) return;
        if (event.type === 'failed') this.#failed(bus, event.cause);
        else this.#tell(event);
      },
    };
  }

  /** A bus has failed for good: another is made after a while. */
  #failed(bus: InvalidationBus | undefined, error: unknown): void {
    if (this.#lifetime.signal.aborted || this.#bus !== bus) return;
    this.#bus = undefined;
    const cause =
      error instanceof BusError
        ? error
        : new BusError('BUS_UNREACHABLE', 'the bus did not open; see `cause`', { cause: error });
    this.#tell({ type: 'interrupted', cause });
    const limits = { baseMs: REOPEN_BASE_MS, capMs: REOPEN_CAP_MS };
    const random = (): number => this.#runtime.random();
    const waitMs = isFatal(cause) ? FATAL_RETRY_MS : backoffMs(this.#failures, limits, random);
    this.#failures += 1;
    this.#cancelWait = this.#runtime.setTimer(() => {
      this.#cancelWait = undefined;
      this.#opening = this.#open();
    }, waitMs);
  }

  #tell(event: ContinuityEvent): void {
    this.#receiver?.onContinuity(event);
  }
}

/** The promise, or the reason of the abort for a bus that does not mind its signal. */
function settledBy(opening: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    opening.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', onAbort);
    });
  });
}

async function closed(bus: InvalidationBus): Promise<void> {
  try {
    await bus.close();
  } catch {
    // It has failed already; that it cannot close either helps nobody.
  }
}
