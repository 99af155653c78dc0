import {
  type BusCapabilities,
  type BusDriver,
  type Link,
  type LinkEvents,
} from '../../src/index.ts';
import type { Channel, Entry, Place } from './channel.ts';
import { MemoryLine, severed } from './memory-line.ts';
import type { NetworkCore } from './memory-network.ts';

export interface MemoryDriverOptions {
  readonly channel: string;
  readonly network: NetworkCore;
  readonly name: string;
  readonly maxQueuedMessages: number;
  readonly silenceTimeoutMs: number;
  readonly capabilities: BusCapabilities;
}

export class MemoryDriver implements BusDriver {
  readonly capabilities: BusCapabilities;
  readonly #options: MemoryDriverOptions;
  #channel: Channel | undefined;
  /** Where the last line left off; only kept where the bus can resume. */
  #place: Place | undefined;

  constructor(options: MemoryDriverOptions) {
    this.#options = options;
    this.capabilities = options.capabilities;
  }

  async attach(events: LinkEvents, signal: AbortSignal): Promise<Link> {
    await this.#reach(signal);
    const { network, channel: name, maxQueuedMessages, capabilities } = this.#options;
    this.#channel ??= network.channel(name);
    const channel = this.#channel;
    const missed = this.#takeMissed(channel);
    if (capabilities.resumption) channel.keep(maxQueuedMessages);
    return new MemoryLine({
      ...this.#options,
      channel,
      events,
      missed,
      onDown: (place) => {
        if (capabilities.resumption) this.#place = place;
      },
    });
  }

  #takeMissed(channel: Channel): readonly Entry[] | undefined {
    const place = this.#place;
    this.#place = undefined;
    return place === undefined ? undefined : channel.since(place);
  }

  /** Resolves when the line is up; a swallowed one does not answer at all. */
  #reach(signal: AbortSignal): Promise<void> {
    const { network, name } = this.#options;
    return new Promise((resolve, reject) => {
      const settle = (settled: () => void): void => {
        unwatch();
        signal.removeEventListener('abort', onAbort);
        settled();
      };
      const onAbort = (): void => {
        settle(() => {
          reject(signal.reason);
        });
      };
      const look = (): void => {
        const condition = network.conditionOf(name);
        if (condition.type === 'swallowed') return;
        settle(() => {
          if (condition.type === 'up') resolve();
          else reject(condition.type === 'refusing' ? condition.error : severed());
        });
      };
      const unwatch = network.watch(look);
      signal.addEventListener('abort', onAbort, { once: true });
      look();
    });
  }
}
