import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { metrics, type Attributes, type Counter } from '@opentelemetry/api';
import { onTelemetry, type CacheEvent } from '../index.ts';
import { ATTRIBUTES } from './attributes.ts';
import { SCOPE } from './scope.ts';

/** Reads, events and invalidations, counted as they happen. */
export class CacheMetrics {
  readonly #reads: Counter;
  readonly #events: Counter;
  /** Made once for each kind of event and region: a hit should not make objects. */
  readonly #attributes = new Map<string, Attributes>();
  readonly #onEvent = (message: unknown): void => {
    // Only caches publish on this channel.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    this.#count(message as CacheEvent);
  };
  readonly #unsubscribe: () => void;

  constructor() {
    const meter = metrics.getMeter(SCOPE);
    this.#reads = meter.createCounter('unstale.cache.reads', {
      unit: '{read}',
      description: 'Reads of caches, by result.',
    });
    this.#events = meter.createCounter('unstale.cache.events', {
      unit: '{event}',
      description: 'Loads joined, voided and refreshed, and stale values served.',
    });
    const applied = meter.createCounter('unstale.invalidations', {
      unit: '{invalidation}',
      description: 'Invalidations applied on this node, by cause.',
    });
    subscribe('unstale:cache', this.#onEvent);
    this.#unsubscribe = onTelemetry('unstale:applied', ({ cluster, cause }) => {
      applied.add(1, { [ATTRIBUTES.cluster]: cluster, [ATTRIBUTES.cause]: cause.by });
    });
  }

  stop(): void {
    unsubscribe('unstale:cache', this.#onEvent);
    this.#unsubscribe();
  }

  #count({ region, type }: CacheEvent): void {
    switch (type) {
      case 'hit':
      case 'miss':
        this.#reads.add(1, this.#named(region, ATTRIBUTES.result, type));
        return;
      case 'joined':
      case 'voided':
      case 'refresh':
      case 'stale':
        this.#events.add(1, this.#named(region, ATTRIBUTES.event, type));
        return;
      case 'load':
      case 'failed':
        // The histogram of their durations counts them.
        return;
    }
  }

  #named(region: string, attribute: string, value: string): Attributes {
    const name = `${value} ${region}`;
    let attributes = this.#attributes.get(name);
    if (attributes === undefined) {
      attributes = { [ATTRIBUTES.region]: region, [attribute]: value };
      this.#attributes.set(name, attributes);
    }
    return attributes;
  }
}
