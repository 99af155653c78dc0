/** How many parts of the time must pass without a byte: after a pause of this process, one of them has. */
const PARTS = 4;

/** Notices that nothing comes in any more, by the count of bytes that the socket has read. */
export class SilenceWatch {
  readonly #timer: NodeJS.Timeout;
  #bytes = -1;
  #silentParts = 0;

  constructor(options: {
    readonly afterMs: number;
    readonly bytesRead: () => number;
    readonly onSilence: () => void;
  }) {
    this.#timer = setInterval(
      () => {
        const bytes = options.bytesRead();
        this.#silentParts = bytes === this.#bytes ? this.#silentParts + 1 : 0;
        this.#bytes = bytes;
        if (this.#silentParts < PARTS) return;
        this.stop();
        options.onSilence();
      },
      Math.ceil(options.afterMs / PARTS),
    );
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
