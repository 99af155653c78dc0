import type { Channel, ConsumeMessage } from 'amqplib';

/** Deliveries that are acknowledged together. */
const MAX_BATCH = 100;
/** How long the last delivery of a burst waits to be acknowledged, in ms. */
const BATCH_WAIT_MS = 50;

/** Acknowledges deliveries in batches: one acknowledgement for each would double the traffic. */
export class Acknowledgements {
  readonly #channel: Channel;
  readonly #batch: number;
  #last: ConsumeMessage | undefined;
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(channel: Channel, prefetch: number) {
    this.#channel = channel;
    // The broker stops at `prefetch`: half of it must be acknowledged before.
    this.#batch = Math.max(1, Math.min(MAX_BATCH, Math.floor(prefetch / 2)));
  }

  due(message: ConsumeMessage): void {
    this.#last = message;
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
  }

  #send(): void {
    const last = this.#last;
    this.stop();
    this.#count = 0;
    if (last === undefined) return;
    try {
      this.#channel.ack(last, true);
    } catch {
      // The channel has just been closed, which its own event tells.
    }
  }
}
