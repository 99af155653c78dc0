import { BusError } from '../bus/bus-error.ts';
import type { BusReceiver, ContinuityEvent, InvalidationBus } from '../bus/invalidation-bus.ts';
import type { BusEvent, Input, SendOutcome } from '../protocol/input.ts';
import { Intake } from './intake.ts';
import type { Runtime } from './runtime.ts';

/** The node's side of its bus: what the bus says becomes inputs of the protocol, and frames are handed to it. */
export class BusLine {
  readonly #step: (input: Input) => void;
  readonly #onContinuity: (event: ContinuityEvent) => void;
  readonly #intake: Intake;
  #bus: InvalidationBus | undefined;
  #isOpen = false;
  #problem: BusError | undefined;

  constructor(
    runtime: Runtime,
    options: {
      readonly step: (input: Input) => void;
      readonly onContinuity: (event: ContinuityEvent) => void;
    },
  ) {
    this.#step = options.step;
    this.#onContinuity = options.onContinuity;
    this.#intake = new Intake(runtime, () => {
      this.#tell('discontinuity');
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Why it is away, if it is. */
  get problem(): BusError | undefined {
    return this.#isOpen ? undefined : this.#problem;
  }

  /** More waits than should be applied name by name. */
  get overloaded(): boolean {
    return this.#intake.overloaded;
  }

  /** Frames that came faster than they could be applied, and are left to repair. */
  get droppedFrames(): number {
    return this.#intake.dropped;
  }

  /** @throws {BusError} of the bus's `open` */
  async open(bus: InvalidationBus, signal: AbortSignal | undefined): Promise<void> {
    this.#bus = bus;
    await bus.open(this.#receiver(), signal === undefined ? {} : { signal });
    // It may have been interrupted by now, and says so itself when it is back.
    if (bus.state !== 'open' || this.#isOpen) return;
    this.#isOpen = true;
    this.#tell('opened');
  }

  send(id: number, frame: string, summary: string | undefined): void {
    if (this.#bus === undefined) return;
    publish(this.#bus, frame, summary).then(
      () => {
        this.#step({ type: 'sent', id, outcome: 'accepted' });
      },
      (error: unknown) => {
        this.#step({ type: 'sent', id, outcome: outcomeOf(error) });
      },
    );
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#bus?.close();
  }

  #receiver(): BusReceiver {
    return {
      onFrame: (frame) => {
        this.#intake.push(frame.length, () => {
          this.#step({ type: 'frame', frame });
        });
      },
      onForeign: (message) => {
        this.#intake.push(message.text.length, () => {
          this.#step({ type: 'foreign', message });
        });
      },
      onContinuity: (event) => {
        this.#intake.pushAlways(() => {
          this.#hear(event);
        });
      },
    };
  }

  #hear(event: ContinuityEvent): void {
    this.#onContinuity(event);
    switch (event.type) {
      case 'interrupted':
      case 'failed':
        this.#isOpen = false;
        this.#problem = event.cause;
        this.#tell(event.type);
        return;
      case 'resumed':
        this.#isOpen = true;
        this.#tell(event.loss === 'none' ? 'lossless' : 'discontinuity');
        return;
      case 'gap':
        this.#tell('discontinuity');
    }
  }

  #tell(event: BusEvent): void {
    this.#step({ type: 'bus', event });
  }
}

/** A bus that throws at once is a bus that rejects. */
async function publish(
  bus: InvalidationBus,
  frame: string,
  summary: string | undefined,
): Promise<void> {
  await bus.publish(frame, summary === undefined ? {} : { summary });
}

function outcomeOf(error: unknown): SendOutcome {
  const refused =
    error instanceof BusError &&
    (error.code === 'BUS_REJECTED' || error.code === 'BUS_FRAME_TOO_LARGE');
  return refused ? 'rejected' : 'unconfirmed';
}
