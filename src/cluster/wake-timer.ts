import type { Runtime } from './runtime.ts';

/** Calls once when the core wants to be called. */
export class WakeTimer {
  readonly #runtime: Runtime;
  readonly #onDue: () => void;
  #atMs: number = Number.POSITIVE_INFINITY;
  #cancel: (() => void) | undefined;

  constructor(runtime: Runtime, onDue: () => void) {
    this.#runtime = runtime;
    this.#onDue = onDue;
  }

  /** At `atMs` on the monotonic clock, or sooner. */
  set(atMs: number): void {
    // A timer that fires too early finds nothing to do; setting it anew for every frame would cost more.
    if (this.#cancel !== undefined && this.#atMs <= atMs) return;
    this.stop();
    if (atMs === Number.POSITIVE_INFINITY) return;
    this.#atMs = atMs;
    const delayMs = Math.max(0, Math.ceil(atMs - this.#runtime.now().monoMs));
    this.#cancel = this.#runtime.setTimer(() => {
      this.#cancel = undefined;
      this.#onDue();
    }, delayMs);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
