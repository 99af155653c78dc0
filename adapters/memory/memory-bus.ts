import {
  type BusCapabilities,
  type BusTuning,
  createBus,
  type InvalidationBus,
} from '../../src/index.ts';
import { MemoryDriver } from './memory-driver.ts';
import { type MemoryNetwork, memoryNetwork, NetworkCore } from './memory-network.ts';

export interface MemoryBusOptions {
  /** Buses of one network and one channel hear each other. Any text but the empty one. */
  readonly channel: string;
  /** Where the channel lives, and where faults are made. Default: one network per process. */
  readonly network?: MemoryNetwork;
  /** Names this bus in the verbs of its network (`network.sever('web-1')`). Default `bus-1`, `bus-2`, … */
  readonly name?: string;
  /** The order that is promised; delays keep it, and a `reorder` fault breaks it. Default `total`. */
  readonly ordering?: BusCapabilities['ordering'];
  /** Keep what was missed while severed, and deliver it after `resumed`. Default `false`. */
  readonly resumption?: boolean;
  /** Messages kept for a severed bus, or on their way to a slow one; more means loss, owned up to. Default 10,000. */
  readonly maxQueuedMessages?: number;
  /** How long a swallowed line stays unnoticed, in ms. Default 1,000. */
  readonly silenceTimeoutMs?: number;
  /** The longest frame, in bytes. Default 65,536. */
  readonly maxFrameBytes?: number;
  readonly tuning?: BusTuning;
}

const DEFAULT_NETWORK = memoryNetwork();
let unnamed = 0;

/**
 * A bus inside one process: for tests, for development, and for an application that wants to see how it
 * behaves when its bus loses, delays or repeats what it carries. Delivery is synchronous while no fault is set.
 * @throws {TypeError} if an option is out of range
 */
export function memoryBus(options: MemoryBusOptions): InvalidationBus {
  const { channel, network = DEFAULT_NETWORK, tuning = {} } = options;
  if (typeof channel !== 'string' || channel === '') {
    throw new TypeError('options.channel must be a text of at least one character');
  }
  if (!(network instanceof NetworkCore)) {
    throw new TypeError('options.network must come from memoryNetwork()');
  }
  const { ordering = 'total', resumption = false } = options;
  if (ordering !== 'none' && ordering !== 'publisher' && ordering !== 'total') {
    throw new TypeError(
      `options.ordering must be none, publisher or total, got ${String(ordering)}`,
    );
  }
  const driver = new MemoryDriver({
    channel,
    network,
    name: options.name ?? `bus-${(unnamed += 1)}`,
    maxQueuedMessages: count('maxQueuedMessages', options.maxQueuedMessages ?? 10_000),
    silenceTimeoutMs: count('silenceTimeoutMs', options.silenceTimeoutMs ?? 1_000),
    capabilities: {
      ordering,
      resumption,
      maxFrameBytes: count('maxFrameBytes', options.maxFrameBytes ?? 65_536),
    },
  });
  return createBus(driver, { timers: network.timers, random: network.random, ...tuning });
}

function count(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new TypeError(`options.${name} must be a whole number above 0, got ${String(value)}`);
  }
  return value;
}
