import {
  type BusCapabilities,
  type BusDriver,
  BusError,
  type Link,
  type LinkEvents,
} from '../../src/index.ts';
import { amqpError } from './amqp-errors.ts';
import { AmqpLink } from './amqp-link.ts';
import type { AmqpSettings, Endpoint } from './amqp-options.ts';

/** Times 256 keys that is what a round trip carries: 200,000 keys a second at 300 ms. */
const FRAMES_IN_FLIGHT = 256;

export class AmqpDriver implements BusDriver {
  readonly capabilities: BusCapabilities;
  readonly #settings: AmqpSettings;
  /** The broker has let us in before: a refusal that could also be a broker that is just starting is one. */
  #wasIn = false;

  constructor(settings: AmqpSettings) {
    this.#settings = settings;
    const { maxFrameBytes } = settings;
    // The queue is exclusive: it dies with its connection, and so does what was in it.
    this.capabilities = {
      ordering: 'publisher',
      resumption: false,
      maxFrameBytes,
      framesInFlight: FRAMES_IN_FLIGHT,
    };
  }

  /** Tries one address after the other, from a random one on, so that a cluster spreads over the nodes of its broker. */
  async attach(events: LinkEvents, signal: AbortSignal): Promise<Link> {
    const { endpoints, random } = this.#settings;
    const first = Math.floor(random() * endpoints.length);
    let failure: BusError | undefined;
    for (const endpoint of [...endpoints.slice(first), ...endpoints.slice(0, first)]) {
      signal.throwIfAborted();
      try {
        return await this.#attachTo(endpoint, events, signal);
      } catch (error) {
        signal.throwIfAborted();
        failure = amqpError(error, { endpoint, wasIn: this.#wasIn });
        if (failure.code !== 'BUS_UNREACHABLE') break;
      }
    }
    throw failure ?? new BusError('BUS_UNREACHABLE', 'there is no address to try');
  }

  async #attachTo(endpoint: Endpoint, events: LinkEvents, signal: AbortSignal): Promise<Link> {
    const link = new AmqpLink({ endpoint, settings: this.#settings, events });
    const onAbort = (): void => {
      link.cut();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await link.open();
      this.#wasIn = true;
      return link;
    } catch (error) {
      link.cut();
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}
