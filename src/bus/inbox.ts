/**
 * What a link has said and the receiver has not heard yet: held while an attachment is still resolving,
 * and while the receiver is inside an earlier call, so that it is called in order and one at a time.
 */
export class Inbox {
  readonly #limit: number;
  readonly #onOverflow: () => void;
  #waiting: (() => void)[] = [];
  #head = 0;
  #held = false;
  #draining = false;
  #overflowed = false;

  constructor(options: { readonly limit: number; readonly onOverflow: () => void }) {
    this.#limit = options.limit;
    this.#onOverflow = options.onOverflow;
  }

  /** Hears `deliver` at once, or after what already waits. */
  push(deliver: () => void): void {
    if (this.#waiting.length - this.#head >= this.#limit) {
      this.#overflowed = true;
      return;
    }
    this.#waiting.push(deliver);
    this.#drain();
  }

  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    this.#drain();
  }

  clear(): void {
    this.#waiting = [];
    this.#head = 0;
    this.#overflowed = false;
    this.#held = false;
  }

  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    while (!this.#held) {
      const deliver = this.#waiting[this.#head];
      if (deliver === undefined) break;
      this.#head += 1;
      deliver();
    }
    this.#draining = false;
    if (this.#held) return;
    this.#waiting = [];
    this.#head = 0;
    if (this.#overflowed) {
      this.#overflowed = false;
      this.#onOverflow();
    }
  }
}
