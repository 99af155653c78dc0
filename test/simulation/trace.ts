/** What has happened, as a hash for the comparison of two runs, and as text for a person. */
export class Trace {
  #hash = 0x811c9dc5;
  readonly lines: string[] | undefined;

  constructor(readable: boolean) {
    this.lines = readable ? [] : undefined;
  }

  get hash(): number {
    return this.#hash >>> 0;
  }

  /** Takes a number into the hash. */
  note(value: number): void {
    this.#hash = Math.imul(this.#hash ^ (value | 0), 0x01000193);
    this.#hash = Math.imul(this.#hash ^ ((value * 1_024) & 0xffff), 0x01000193);
  }

  noteText(text: string): void {
    let hash = this.#hash;
    for (let index = 0; index < text.length; index += 1) {
      hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
    }
    this.#hash = hash;
  }

  /** Adds a line, if anybody is going to read it. */
  line(nowMs: number, text: () => string): void {
    this.lines?.push(`${nowMs.toFixed(1).padStart(9)}  ${text()}`);
  }
}
