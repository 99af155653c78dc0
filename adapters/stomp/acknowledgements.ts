/** Deliveries that are acknowledged together. */
const BATCH = 100;
/** How long the last delivery of a burst waits to be acknowledged, in ms. */
const BATCH_WAIT_MS = 50;

/** Acknowledges deliveries in batches (`ack:client` is cumulative): one acknowledgement for each would double the traffic. */
export class Acknowledgements {
  readonly #batch: number;
  readonly #acknowledge: (id: string) => void;
  #last: string | undefined;
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: { readonly prefetch: number; readonly acknowledge: (id: string) => void }) {
    // A broker that has handed out `prefetch` messages waits, and must not wait for the timer.
    this.#batch = Math.max(1, Math.min(BATCH, Math.floor(options.prefetch / 2)));
    this.#acknowledge = options.acknowledge;
  }

  /** `id` is the header `ack` of the message. */
  due(id: string): void {
    this.#last = id;
    this.#count += 1;
    if (this.#count >= this.#batch) this.#send();
    else
      this.#timer ??= setTimeout(() => {
        this.#send();
      }, BATCH_WAIT_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#last = undefined;
    this.#count = 0;
  }

  #send(): void {
    const last = this.#last;
    this.stop();
    if (last !== undefined) this.#acknowledge(last);
  }
}
