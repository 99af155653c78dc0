import type { Runtime } from './runtime.ts';

/** How long the bus may keep the event loop in one go, in ms (OVL-1). */
const SLICE_MS = 5;

/** Frames that wait beyond this many bytes are no longer applied name by name (OVL-1). */
const MAX_NAMED_BYTES = 16 * 1_024 * 1_024;

/** Frames that would wait beyond this many bytes are dropped, as if the network had lost them: they are repaired. */
const MAX_WAITING_BYTES = 64 * 1_024 * 1_024;

/** What a frame costs besides its text: even empty ones must not pile up. */
const FRAME_OVERHEAD_BYTES = 128;

/** Taken frames are forgotten in so large steps. */
const TRIM_LENGTH = 4_096;

/** What the bus has said, taken in order, in slices that leave the event loop to others. */
export class Intake {
  readonly #runtime: Runtime;
  readonly #onDropped: () => void;
  #waiting: { readonly take: () => void; readonly bytes: number }[] = [];
  #head = 0;
  #waitingBytes = 0;
  #sliceStartMs = 0;
  #sliceOpen = false;
  #scheduled = false;
  #dropped = 0;
  #told = 0;

  /** `onDropped` is called when frames were dropped and those that waited are taken. */
  constructor(runtime: Runtime, onDropped: () => void) {
    this.#runtime = runtime;
    this.#onDropped = onDropped;
  }

  /** More waits than should be applied name by name. */
  get overloaded(): boolean {
    return this.#waitingBytes > MAX_NAMED_BYTES;
  }

  /** Frames that were dropped since the node joined. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes a message of `length` characters now, or after what already waits. */
  push(length: number, take: () => void): void {
    const bytes = length + FRAME_OVERHEAD_BYTES;
    if (this.#waitingBytes + bytes > MAX_WAITING_BYTES) this.#dropped += 1;
    else this.#enqueue(bytes, take);
  }

  /** For what must never be dropped, and comes rarely. */
  pushAlways(take: () => void): void {
    this.#enqueue(FRAME_OVERHEAD_BYTES, take);
  }

  #enqueue(bytes: number, take: () => void): void {
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
    const rest = this.#head < this.#waiting.length;
    if (!rest || this.#head >= TRIM_LENGTH) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
    if (rest) this.#schedule();
    else if (this.#told < this.#dropped) {
      this.#told = this.#dropped;
      this.#onDropped();
    }
  }
}
