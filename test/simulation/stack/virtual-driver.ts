import type { BusDriver, Link, LinkEvents } from '../../../src/bus/bus-driver.ts';
import { BusError } from '../../../src/bus/bus-error.ts';
import type { BusCapabilities } from '../../../src/bus/invalidation-bus.ts';
import type { ForeignText, SendOutcome } from '../../../src/protocol/input.ts';
import type { Life } from '../life.ts';
import type { Attached, Port } from '../port.ts';
import type { World } from '../world.ts';

/** The modelled broker as a driver for `createBus`: what an adapter would be. */
export class VirtualDriver implements BusDriver, Attached {
  readonly capabilities: BusCapabilities = {
    ordering: 'none',
    resumption: true,
    maxFrameBytes: 8_192,
  };
  readonly #world: World;
  readonly #port: Port;
  readonly #life: Life;
  #events: LinkEvents | undefined;
  /** Not attached, and nothing keeps us from it. */
  #isOut = true;
  /** The broker lets us in again, before or after the bus has asked for it. */
  #open: { readonly lossless: boolean } | undefined;
  #waiting: ((lossless: boolean) => void) | undefined;
  /** What a kept session delivers before the bus has attached again. */
  #kept: (() => void)[] = [];

  constructor(world: World, port: Port, life: Life) {
    this.#world = world;
    this.#port = port;
    this.#life = life;
  }

  async attach(events: LinkEvents, signal: AbortSignal): Promise<Link> {
    const lossless = await this.#entry(signal);
    this.#events = events;
    this.#open = undefined;
    const kept = this.#kept;
    this.#kept = [];
    for (const deliver of kept) deliver();
    return {
      resumed: lossless,
      send: (frame) => this.#send(frame),
      detach: () => {
        this.#detach();
        return Promise.resolve();
      },
    };
  }

  frame(frame: string): void {
    this.#hear(() => {
      this.#events?.frame(frame);
    });
  }

  foreign(message: ForeignText): void {
    this.#hear(() => {
      this.#events?.foreign(message);
    });
  }

  gap(): void {
    this.#life.do(() => {
      this.#events?.gap(new BusError('BUS_OVERFLOW', 'the broker has dropped frames'));
    });
  }

  interrupted(): void {
    this.#life.do(() => {
      const events = this.#events;
      this.#events = undefined;
      this.#open = undefined;
      events?.down(new BusError('BUS_UNREACHABLE', 'the line broke'));
    });
  }

  attached(lossless: boolean): void {
    this.#life.do(() => {
      this.#kept = [];
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if (waiting === undefined) this.#open = { lossless };
      else waiting(lossless);
    });
  }

  /** The bus lets go of a link that stands: it takes it for deaf, or ends. */
  #detach(): void {
    if (this.#port.client !== this || !this.#port.attached) return;
    this.#world.network.detach(this.#port);
    this.#isOut = true;
    this.#events = undefined;
  }

  /** The broker lets us in at once, unless the line is broken: then when it is whole again. */
  #entry(signal: AbortSignal): Promise<boolean> {
    if (this.#isOut) {
      this.#isOut = false;
      this.#world.network.attach(this.#port, this);
      return Promise.resolve(false);
    }
    if (this.#open !== undefined) return Promise.resolve(this.#open.lossless);
    return new Promise((resolve, reject) => {
      this.#waiting = resolve;
      signal.addEventListener('abort', () => {
        this.#waiting = undefined;
        reject(signal.reason);
      });
    });
  }

  #hear(deliver: () => void): void {
    this.#life.do(() => {
      if (this.#events !== undefined) deliver();
      // A subscription that was made anew exists only once the bus has asked for it.
      else if (this.#open?.lossless === true) this.#kept.push(deliver);
    });
  }

  #send(frame: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (outcome: SendOutcome): void => {
        this.#life.do(() => {
          if (outcome === 'accepted') resolve();
          else if (outcome === 'rejected')
            reject(new BusError('BUS_REJECTED', 'the broker refuses the frame'));
          else reject(new BusError('BUS_UNCONFIRMED', 'the broker did not answer'));
        });
      };
      this.#world.network.publish(this.#port, frame, settle);
    });
  }
}
