/** How many parts of the timeout must pass without any delivery: after a pause of this process, one of them has. */
const PARTS = 4;

/**
 * Notices that our own frames are confirmed and do not come back: the broker also confirms what it routed to other
 * queues alone, and nobody tells us when our binding is gone.
 */
export class EchoWatch {
  readonly #partMs: number;
  readonly #onDeaf: () => void;
  #confirmed = 0;
  #heard = 0;
  #silentParts = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: { readonly timeoutMs: number; readonly onDeaf: () => void }) {
    this.#partMs = Math.ceil(options.timeoutMs / PARTS);
    this.#onDeaf = options.onDeaf;
  }

  /** The broker has accepted our frame of that number. */
  confirmed(number: number): void {
    this.#confirmed = Math.max(this.#confirmed, number);
    if (this.#heard >= this.#confirmed || this.#timer !== undefined) return;
    this.#silentParts = 0;
    this.#timer = setInterval(() => {
      this.#tick();
    }, this.#partMs);
  }

  /** Something was delivered: our frame of that number, or with 0 that of another. */
  heard(ownNumber: number): void {
    // While anything comes, ours may be behind it.
    this.#silentParts = 0;
    this.#heard = Math.max(this.#heard, ownNumber);
    if (this.#heard >= this.#confirmed) this.stop();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    this.#silentParts += 1;
    if (this.#silentParts < PARTS) return;
    this.stop();
    this.#onDeaf();
  }
}
