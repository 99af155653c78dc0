import type {
  BusCallOptions,
  BusCapabilities,
  BusReceiver,
  BusState,
  Frame,
  InvalidationBus,
  PublishOptions,
} from '../../src/index.ts';

/** What a mutant does instead of what it should. Each gets the real thing as `next`, or as `inner`. */
export interface Mutation {
  receiver?(inner: BusReceiver, bus: InvalidationBus): Partial<BusReceiver>;
  open?(next: (options?: BusCallOptions) => Promise<void>, options: BusCallOptions): Promise<void>;
  publish?(
    next: (frame: Frame, options?: PublishOptions) => Promise<void>,
    frame: Frame,
    options: PublishOptions,
  ): Promise<void>;
  close?(next: () => Promise<void>): Promise<void>;
}

/** A bus that is right but for one thing. */
export class MutantBus implements InvalidationBus {
  readonly capabilities: BusCapabilities;
  readonly #bus: InvalidationBus;
  readonly #mutation: Mutation;

  constructor(bus: InvalidationBus, mutation: (bus: InvalidationBus) => Mutation) {
    this.#bus = bus;
    this.#mutation = mutation(bus);
    this.capabilities = bus.capabilities;
  }

  get state(): BusState {
    return this.#bus.state;
  }

  open(receiver: BusReceiver, options: BusCallOptions = {}): Promise<void> {
    const changed = this.#mutation.receiver?.(receiver, this.#bus) ?? {};
    const mutant: BusReceiver = {
      onFrame:
        changed.onFrame ??
        ((frame) => {
          receiver.onFrame(frame);
        }),
      onForeign:
        changed.onForeign ??
        ((message) => {
          receiver.onForeign(message);
        }),
      onContinuity:
        changed.onContinuity ??
        ((event) => {
          receiver.onContinuity(event);
        }),
    };
    const next = (given: BusCallOptions = options): Promise<void> => this.#bus.open(mutant, given);
    return this.#mutation.open?.(next, options) ?? next();
  }

  publish(frame: Frame, options: PublishOptions = {}): Promise<void> {
    const next = (text: Frame, given: PublishOptions = options): Promise<void> =>
      this.#bus.publish(text, given);
    return this.#mutation.publish?.(next, frame, options) ?? next(frame);
  }

  close(): Promise<void> {
    const next = (): Promise<void> => this.#bus.close();
    return this.#mutation.close?.(next) ?? next();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
