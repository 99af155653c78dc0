/** How many silent intervals end a connection. */
const SILENT_INTERVALS = 3;

export interface PulseOptions {
  readonly intervalMs: number;
  /** Sends a sign of life; called only if nothing else was sent for an interval. */
  readonly beat: () => void;
  /** Nothing was heard for three intervals. */
  readonly onSilent: () => void;
}

/**
 * Heart-beats both ways. It counts intervals and not time: after a pause of this very process (a long computation,
 * SIGSTOP) one interval has passed, and what the other side sent meanwhile is read before the next one ends.
 */
export class Pulse {
  readonly #options: PulseOptions;
  readonly #timer: NodeJS.Timeout;
  #silent = 0;
  #sent = false;

  constructor(options: PulseOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      this.#tick();
    }, options.intervalMs);
  }

  heard(): void {
    this.#silent = 0;
  }

  sent(): void {
    this.#sent = true;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    this.#silent += 1;
    if (this.#silent > SILENT_INTERVALS) {
      this.stop();
      this.#options.onSilent();
      return;
    }
    if (!this.#sent) this.#options.beat();
    this.#sent = false;
  }
}
