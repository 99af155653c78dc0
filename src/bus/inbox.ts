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
  /** Messages were dropped, and `onOverflow` waits in line to say so. */
  #overflowed = false;

  /** `onOverflow` is called in turn: after what waited when the limit was reached, before what came later. */
  constructor(options: { readonly limit: number; readonly onOverflow: () => void }) {
    this.#limit = options.limit;
    this.#onOverflow = options.onOverflow;
  }

  /** Hears `deliver` at once, or after what already waits; drops it, and owns up, where too much waits. */
  push(deliver: () => void): void {
    if (this.#waiting.length - this.#head < this.#limit) {
      this.pushAlways(deliver);
      return;
    }
    if (this.#overflowed) return;
    this.#overflowed = true;
    this.pushAlways(() => {
      this.#overflowed = false;
      this.#onOverflow();
    });
  }

  /** For what must never be dropped, and comes at most once per link. */
  pushAlways(deliver: () => void): void {
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
    try {
      while (!this.#held) {
        const deliver = this.#waiting[this.#head];
        if (deliver === undefined) break;
        this.#head += 1;
        // Otherwise a receiver that is never idle would make the heard ones pile up.
        if (this.#head >= this.#limit) this.#forgetHeard();
        deliver();
      }
      if (!this.#held) this.#forgetHeard();
    } finally {
      this.#draining = false;
    }
  }

  #forgetHeard(): void {
    this.#waiting = this.#waiting.slice(this.#head);
    this.#head = 0;
  }
}
