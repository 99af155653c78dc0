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

export class StompDriver implements BusDriver {
  readonly capabilities: BusCapabilities;
  readonly #settings: StompSettings;

  constructor(settings: StompSettings) {
    this.#settings = settings;
    const { maxFrameBytes } = settings;
    // The subscription ends with its connection, and so does what had not been delivered.
    this.capabilities = { ordering: 'publisher', resumption: false, maxFrameBytes };
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
        failure = stompError(error, endpoint, 'attaching');
        if (failure.code !== 'BUS_UNREACHABLE') break;
      }
    }
    throw failure ?? new BusError('BUS_UNREACHABLE', 'there is no address to try');
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
