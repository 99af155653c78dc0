/** One direction of a line: what goes in comes out in order, at once unless the line is stuck. */
export class Pipe {
  readonly #limit: number;
  readonly #isStuck: () => boolean;
  #waiting: (() => void)[] = [];
  #draining = false;

  constructor(options: { readonly limit: number; readonly isStuck: () => boolean }) {
    this.#limit = options.limit;
    this.#isStuck = options.isStuck;
  }

  get isStuck(): boolean {
    return this.#isStuck();
  }

  /** `false` if the line is stuck and full. */
  push(pass: () => void): boolean {
    if (this.#waiting.length >= this.#limit) return false;
    this.#waiting.push(pass);
    this.drain();
    return true;
  }

  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    while (!this.#isStuck()) {
      const pass = this.#waiting.shift();
      if (pass === undefined) break;
      pass();
    }
    this.#draining = false;
  }

  clear(): void {
    this.#waiting = [];
  }
}
