import {
  type BusCapabilities,
  type BusDriver,
  BusError,
  type Link,
  type LinkEvents,
} from '../../src/index.ts';
import { stompError } from './stomp-errors.ts';
import { StompLink } from './stomp-link.ts';
import type { Endpoint, StompSettings } from './stomp-options.ts';

/** So often in a row a broker that has let us in before must refuse us until we believe it: while it starts, it may not know its users yet. */
const REFUSALS_BELIEVED = 3;

/** Times 256 keys that is what a round trip carries: 200,000 keys a second at 300 ms. */
const FRAMES_IN_FLIGHT = 256;

export class StompDriver implements BusDriver {
  readonly capabilities: BusCapabilities;
  readonly #settings: StompSettings;
  #wasIn = false;
  #refusals = 0;

  constructor(settings: StompSettings) {
    this.#settings = settings;
    const { maxFrameBytes } = settings;
    // The subscription ends with its connection, and so does what had not been delivered.
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
        const link = await this.#attachTo(endpoint, events, signal);
        this.#wasIn = true;
        this.#refusals = 0;
        return link;
      } catch (error) {
        signal.throwIfAborted();
        failure = this.#believed(stompError(error, endpoint, 'attaching'));
        if (failure.code !== 'BUS_UNREACHABLE') break;
      }
    }
    throw failure ?? new BusError('BUS_UNREACHABLE', 'there is no address to try');
  }

  #believed(failure: BusError): BusError {
    if (failure.code === 'BUS_UNREACHABLE' || !this.#wasIn) return failure;
    this.#refusals += 1;
    if (this.#refusals >= REFUSALS_BELIEVED) return failure;
    return new BusError('BUS_UNREACHABLE', failure.message, { cause: failure });
  }

  async #attachTo(endpoint: Endpoint, events: LinkEvents, signal: AbortSignal): Promise<Link> {
    const link = new StompLink({ endpoint, settings: this.#settings, events });
    const onAbort = (): void => {
      link.cut();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await link.open();
      return link;
    } catch (error) {
      link.cut();
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}
