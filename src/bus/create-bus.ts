import { backoffMs } from './backoff.ts';
import type { BusDriver, Link } from './bus-driver.ts';
import { BusError, isFatal } from './bus-error.ts';
import { resolveTuning, type BusTuning, type ResolvedTuning } from './bus-tuning.ts';
import { containedReceiver } from './contained-receiver.ts';
import { Inbox } from './inbox.ts';
import type {
  BusCallOptions,
  BusCapabilities,
  BusReceiver,
  BusState,
  Frame,
  InvalidationBus,
  PublishOptions,
} from './invalidation-bus.ts';
import { detach, LinkAttempt } from './link-attempt.ts';
import { LoopbackWatch } from './loopback-watch.ts';
import { Unconfirmed } from './unconfirmed.ts';

/**
 * Makes a bus of a driver: lifecycle, re-attachment with backoff and full jitter, the order of continuity
 * against frames, attach and confirm timeouts, the frame bound, the loopback watch, containment of the
 * receiver's exceptions.
 * @throws {TypeError} if a tuning value is out of range
 */
export function createBus(driver: BusDriver, tuning: BusTuning = {}): InvalidationBus {
  return new DrivenBus(driver, resolveTuning(tuning, driver.capabilities));
}

/** Everything outside printable ASCII: what some broker would change, refuse or escape. */
const NOT_FRAME_TEXT = /[^\x20-\x7e]/;

class DrivenBus implements InvalidationBus {
  readonly capabilities: BusCapabilities;
  readonly #driver: BusDriver;
  readonly #tuning: ResolvedTuning;
  readonly #inbox: Inbox;
  readonly #unconfirmed: Unconfirmed;
  readonly #loopback: LoopbackWatch;
  /** Aborted when the bus ends: it stops the attempt that is under way, or the wait before the next. */
  readonly #lifetime = new AbortController();
  #state: BusState = 'idle';
  #receiver: BusReceiver | undefined;
  #link: Link | undefined;
  /** Gives up the link in use, and attaches again. */
  #giveUp: (cause: BusError) => void = () => undefined;
  /** The attaching that goes on, and the links that are being released. `close` waits for both. */
  #attaching: Promise<void> = Promise.resolve();
  #releasing: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;

  constructor(driver: BusDriver, tuning: ResolvedTuning) {
    this.#driver = driver;
    this.#tuning = tuning;
    this.capabilities = tuning.capabilities;
    this.#unconfirmed = new Unconfirmed(tuning);
    this.#loopback = new LoopbackWatch(tuning, (cause) => {
      this.#giveUp(cause);
    });
    this.#inbox = new Inbox({
      limit: tuning.maxHeldFrames,
      onOverflow: () => {
        const message = `more than ${tuning.maxHeldFrames} frames waited for the receiver (maxHeldFrames); the rest was dropped`;
        const cause = new BusError('BUS_OVERFLOW', message);
        this.#call((receiver) => {
          receiver.onContinuity({ type: 'gap', cause });
        });
      },
    });
  }

  get state(): BusState {
    return this.#state;
  }

  async open(receiver: BusReceiver, options: BusCallOptions = {}): Promise<void> {
    const contained = containedReceiver(receiver, this.#tuning.onReceiverError);
    if (this.#state !== 'idle') {
      const message = `a bus opens once, and this one is ${this.#state}; make another one`;
      throw new BusError('BUS_ALREADY_OPENED', message);
    }
    this.#state = 'opening';
    this.#receiver = contained;
    const opening = this.#attach(options.signal);
    this.#attaching = opening.catch(() => undefined);
    try {
      await opening;
    } catch (error) {
      if (this.#state === 'opening') this.#end();
      throw error;
    }
  }

  async publish(frame: Frame, options: PublishOptions = {}): Promise<void> {
    if (typeof frame !== 'string' || NOT_FRAME_TEXT.test(frame)) {
      throw new TypeError('a frame is a string of printable ASCII (0x20 to 0x7e)');
    }
    const { maxFrameBytes } = this.capabilities;
    if (frame.length > maxFrameBytes) {
      const message = `the frame has ${frame.length} bytes, this bus takes ${maxFrameBytes} (maxFrameBytes); split it`;
      throw new BusError('BUS_FRAME_TOO_LARGE', message);
    }
    const { summary, signal } = options;
    signal?.throwIfAborted();
    const link = this.#link;
    if (link === undefined) throw this.#notOpen();
    const sendOptions = summary === undefined ? {} : { summary };
    this.#loopback.sent(frame);
    try {
      await this.#unconfirmed.settle(() => link.send(frame, sendOptions), signal);
    } catch (error) {
      if (error instanceof BusError && error.outcome === 'not-sent') this.#loopback.refused(frame);
      throw error;
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#shut();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #shut(): Promise<void> {
    if (this.#state !== 'closed') this.#state = 'closing';
    this.#silence();
    await this.#attaching;
    await this.#releasing;
    this.#state = 'closed';
  }

  /** Attaches once. What the link says meanwhile is held, and heard after `resumed`. */
  async #attach(callerSignal?: AbortSignal): Promise<void> {
    const attempt = new LinkAttempt(this.#driver, this.#tuning, {
      tell: (action) => {
        this.#tell(action);
      },
      heard: (frame) => {
        this.#loopback.heard(frame);
      },
    });
    this.#inbox.hold();
    try {
      const { signal } = this.#lifetime;
      const link = await attempt.run(callerSignal ? [signal, callerSignal] : [signal]);
      if (signal.aborted) {
        this.#release(detach(link, this.#tuning));
        throw signal.reason;
      }
      this.#adopt(link, attempt);
    } catch (error) {
      // What the failed attempt had said was about a link that never stood.
      this.#inbox.clear();
      this.#release(attempt.released);
      throw error;
    }
  }

  #adopt(link: Link, attempt: LinkAttempt): void {
    const again = this.#state === 'interrupted';
    this.#link = link;
    this.#state = 'open';
    if (again) {
      const loss = link.resumed && this.capabilities.resumption ? 'none' : 'possible';
      this.#call((receiver) => {
        receiver.onContinuity({ type: 'resumed', loss });
      });
    }
    this.#inbox.release();
    this.#giveUp = (cause) => {
      attempt.supersede();
      this.#interrupt(link, cause);
    };
    attempt.stands(this.#giveUp);
  }

  #interrupt(link: Link, cause: BusError): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    this.#loopback.stop();
    this.#release(detach(link, this.#tuning));
    this.#unconfirmed.abandon('the link died before the broker confirmed the frame', cause);
    if (isFatal(cause)) {
      this.#fail(cause);
      return;
    }
    this.#state = 'interrupted';
    this.#attaching = this.#attachAgain();
    this.#inbox.pushAlways(() => {
      this.#call((receiver) => {
        receiver.onContinuity({ type: 'interrupted', cause });
      });
    });
  }

  async #attachAgain(): Promise<void> {
    const limits = { baseMs: this.#tuning.retryBaseMs, capMs: this.#tuning.retryCapMs };
    for (let failures = 0; ; failures += 1) {
      // One link at a time: two would be two subscriptions.
      await this.#releasing;
      await this.#pause(backoffMs(failures, limits, this.#tuning.random));
      if (this.#lifetime.signal.aborted) return;
      try {
        await this.#attach();
        return;
      } catch (error) {
        if (this.#lifetime.signal.aborted) return;
        if (error instanceof BusError && isFatal(error)) {
          this.#fail(error);
          return;
        }
      }
    }
  }

  /** Gives up for good. `failed` is the last thing that the receiver hears. */
  #fail(cause: BusError): void {
    this.#state = 'closed';
    this.#inbox.pushAlways(() => {
      this.#call((receiver) => {
        receiver.onContinuity({ type: 'failed', cause });
      });
      this.#end();
    });
  }

  #end(): void {
    this.#silence();
    this.#state = 'closed';
  }

  /** From here on the receiver hears nothing, and no call waits for this bus. */
  #silence(): void {
    const link = this.#link;
    this.#link = undefined;
    this.#receiver = undefined;
    this.#loopback.stop();
    this.#inbox.clear();
    if (link !== undefined) this.#release(detach(link, this.#tuning));
    this.#unconfirmed.abandon('the bus was closed before the broker confirmed the frame');
    this.#lifetime.abort(new BusError('BUS_NOT_OPEN', 'the bus was closed'));
  }

  #release(gone: Promise<void>): void {
    this.#releasing = Promise.all([this.#releasing, gone]).then(() => undefined);
  }

  async #pause(delayMs: number): Promise<void> {
    const { signal } = this.#lifetime;
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        stop();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const stop = this.#tuning.timers.set(done, delayMs);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  #tell(action: (receiver: BusReceiver) => void): void {
    this.#inbox.push(() => {
      this.#call(action);
    });
  }

  #call(action: (receiver: BusReceiver) => void): void {
    if (this.#receiver !== undefined) action(this.#receiver);
  }

  #notOpen(): BusError {
    if (this.#state === 'interrupted') {
      const message = 'the bus is attaching again; wait for `resumed`, then publish again';
      return new BusError('BUS_INTERRUPTED', message);
    }
    return new BusError(
      'BUS_NOT_OPEN',
      `the bus is ${this.#state}; publish between open and close`,
    );
  }
}
