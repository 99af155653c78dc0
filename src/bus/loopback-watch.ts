import { BusError } from './bus-error.ts';
import type { ResolvedTuning } from './bus-tuning.ts';
import type { Frame } from './invalidation-bus.ts';

/**
 * Notices that a link has gone deaf: one frame at a time is watched from when it is sent until it is heard
 * back, as every open bus hears its own. A subscription that was lost while sending still works, and a line
 * on which bytes only disappear, look alike from here: nothing comes back.
 */
export class LoopbackWatch {
  readonly #tuning: ResolvedTuning;
  readonly #onDeaf: (cause: BusError) => void;
  #watched: Frame | undefined;
  #stopTimer: (() => void) | undefined;

  constructor(tuning: ResolvedTuning, onDeaf: (cause: BusError) => void) {
    this.#tuning = tuning;
    this.#onDeaf = onDeaf;
  }

  sent(frame: Frame): void {
    if (this.#watched !== undefined) return;
    this.#watched = frame;
    const halfMs = this.#tuning.loopbackTimeoutMs / 2;
    // In two halves: after a pause of the process timers run before the socket is read, and what it holds must come first.
    this.#stopTimer = this.#tuning.timers.set(() => {
      this.#stopTimer = this.#tuning.timers.set(() => {
        this.#deaf();
      }, halfMs);
    }, halfMs);
  }

  heard(frame: Frame): void {
    if (frame === this.#watched) this.stop();
  }

  /** The frame was certainly not sent: it will not come back. */
  refused(frame: Frame): void {
    if (frame === this.#watched) this.stop();
  }

  stop(): void {
    this.#watched = undefined;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  #deaf(): void {
    this.stop();
    const message = `a frame of our own was not heard back within ${this.#tuning.loopbackTimeoutMs} ms (loopbackTimeoutMs): this link does not hear the channel any more`;
    this.#onDeaf(new BusError('BUS_EVICTED', message));
  }
}
