import type { Runtime } from './runtime.ts';

/** How long the bus may keep the event loop in one go, in ms (OVL-1). */
const SLICE_MS = 5;

/** Frames that wait beyond this many bytes are no longer applied name by name (OVL-1). */
const MAX_WAITING_BYTES = 16 * 1_024 * 1_024;

/** What the bus has said, taken in order, in slices that leave the event loop to others. */
export class Intake {
  readonly #runtime: Runtime;
  #waiting: { readonly take: () => void; readonly bytes: number }[] = [];
  #head = 0;
  #waitingBytes = 0;
  #sliceStartMs = 0;
  #sliceOpen = false;
  #scheduled = false;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** More waits than should be applied name by name. */
  get overloaded(): boolean {
    return this.#waitingBytes > MAX_WAITING_BYTES;
  }

  /** Takes it now, or after what already waits. */
  push(bytes: number, take: () => void): void {
    if (!this.#scheduled && this.#hasTime()) {
      take();
      return;
    }
    this.#waiting.push({ take, bytes });
    this.#waitingBytes += bytes;
    this.#schedule();
  }

  #hasTime(): boolean {
    const nowMs = this.#runtime.now().monoMs;
    if (!this.#sliceOpen) {
      this.#sliceOpen = true;
      this.#sliceStartMs = nowMs;
      this.#runtime.defer(() => {
        this.#sliceOpen = false;
      });
    }
    return nowMs - this.#sliceStartMs < SLICE_MS;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#runtime.defer(() => {
      this.#scheduled = false;
      this.#drain();
    });
  }

  #drain(): void {
    const endMs = this.#runtime.now().monoMs + SLICE_MS;
    while (this.#head < this.#waiting.length) {
      const next = this.#waiting[this.#head];
      this.#head += 1;
      this.#waitingBytes -= next?.bytes ?? 0;
      next?.take();
      if (this.#runtime.now().monoMs >= endMs) break;
    }
    if (this.#head < this.#waiting.length) {
      this.#schedule();
      return;
    }
    this.#waiting = [];
    this.#head = 0;
  }
}
