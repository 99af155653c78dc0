import type {
  BusReceiver,
  ContinuityEvent,
  ForeignMessage,
  InvalidationBus,
} from '../../../src/index.ts';

const PATIENCE_MS = 15_000;

/** Opens a bus, keeps what it hears, and waits for it. */
export class Listener implements BusReceiver {
  readonly bus: InvalidationBus;
  readonly frames: string[] = [];
  readonly foreign: ForeignMessage[] = [];
  readonly continuity: ContinuityEvent[] = [];
  readonly #waiting = new Set<() => void>();

  static async on(bus: InvalidationBus): Promise<Listener> {
    const listener = new Listener(bus);
    await bus.open(listener);
    return listener;
  }

  private constructor(bus: InvalidationBus) {
    this.bus = bus;
  }

  onFrame(frame: string): void {
    this.frames.push(frame);
    this.#look();
  }

  onForeign(message: ForeignMessage): void {
    this.foreign.push(message);
    this.#look();
  }

  onContinuity(event: ContinuityEvent): void {
    this.continuity.push(event);
    this.#look();
  }

  async hearsFrame(frame: string): Promise<void> {
    await this.#until(`the frame ${frame}`, () => this.frames.find((heard) => heard === frame));
  }

  hearsForeign(): Promise<ForeignMessage> {
    return this.#until('a foreign message', () => this.foreign.at(-1));
  }

  /** The first such event that it has heard or will hear. */
  hears<T extends ContinuityEvent['type']>(
    type: T,
  ): Promise<Extract<ContinuityEvent, { type: T }>> {
    return this.#until(type, () => this.continuity.find((event) => isOf(event, type)));
  }

  #until<T>(what: string, look: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(check);
        const heard = this.continuity.map(({ type }) => type).join(', ');
        reject(new Error(`did not hear ${what}; heard ${this.frames.length} frames, ${heard}`));
      }, PATIENCE_MS);
      const check = (): void => {
        const found = look();
        if (found === undefined) return;
        clearTimeout(timer);
        this.#waiting.delete(check);
        resolve(found);
      };
      this.#waiting.add(check);
      check();
    });
  }

  #look(): void {
    for (const check of this.#waiting) check();
  }
}

function isOf<T extends ContinuityEvent['type']>(
  event: ContinuityEvent,
  type: T,
): event is Extract<ContinuityEvent, { type: T }> {
  return event.type === type;
}

/** What a promise rejects with; an error if it does not. */
export async function refusalOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('nothing was refused');
}
