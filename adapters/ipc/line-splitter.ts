const LINE_FEED = 0x0a;

/** Cuts a stream of bytes into lines, and holds at most one unfinished line of bounded length. */
export class LineSplitter {
  readonly #maxLineBytes: number;
  #parts: Buffer[] = [];
  #heldBytes = 0;
  #overflowed = false;

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** A line was longer than allowed. From then on nothing more is cut. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  /** The lines that `chunk` completes, without their ends. Bytes that are not UTF-8 become U+FFFD. */
  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let start = 0;
    while (!this.#overflowed) {
      const end = chunk.indexOf(LINE_FEED, start);
      const part = chunk.subarray(start, end < 0 ? undefined : end);
      if (this.#heldBytes + part.length > this.#maxLineBytes) {
        this.#overflowed = true;
        this.#take();
        break;
      }
      if (part.length > 0) this.#hold(part);
      if (end < 0) break;
      lines.push(this.#take());
      start = end + 1;
    }
    return lines;
  }

  /** What remained unfinished when the stream ended. */
  rest(): string | undefined {
    return this.#heldBytes === 0 ? undefined : this.#take();
  }

  #hold(part: Buffer): void {
    this.#parts.push(part);
    this.#heldBytes += part.length;
  }

  #take(): string {
    const [first] = this.#parts;
    const line = this.#parts.length === 1 && first ? first : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#heldBytes = 0;
    return line.toString('utf8');
  }
}
