import { BusError, type BusTimers } from '../../src/index.ts';
import { Channel } from './channel.ts';
import { checkFaults, type MemoryFaults } from './memory-faults.ts';
import { seededRandom } from './seeded-random.ts';

export interface MemoryNetworkOptions {
  /** Makes every draw of the faults, and of the buses' back-off, the same in each run. Default: not reproducible. */
  readonly seed?: number;
  /** Replaces the global timers, for tests and simulation. */
  readonly timers?: BusTimers;
}

/** `in`: the bus hears nothing; `out`: nobody hears the bus. */
export type SwallowedDirection = 'in' | 'out' | 'both';

export interface MemoryCounters {
  readonly delivered: number;
  readonly dropped: number;
  readonly duplicated: number;
  readonly reordered: number;
  readonly delayed: number;
}

/**
 * What memory buses are attached to, and where faults are made. Each verb takes the name of one bus
 * (`memoryBus({ name })`), or none and then means every bus, also those to come; the later verb wins.
 */
export interface MemoryNetwork {
  /** Replaces the faults of one bus (on its way in), or of all of them. `{}` ends them. */
  setFaults(faults: MemoryFaults, bus?: string): void;
  /** Cuts the line: the bus hears `interrupted`, and cannot attach until healed. */
  sever(bus?: string): void;
  /** Makes the line half-open: what passes through it waits, and the bus takes `silenceTimeoutMs` to notice. */
  swallow(bus?: string, direction?: SwallowedDirection): void;
  /** Lets nobody attach from here on; lines that stand are left alone. */
  refuse(code: 'BUS_UNREACHABLE' | 'BUS_ACCESS_DENIED' | 'BUS_MISCONFIGURED', bus?: string): void;
  /** Ends `sever`, `swallow` and `refuse`. */
  heal(bus?: string): void;
  /** Sends a message that carries no frame, as a person or another program would. Returns its id. */
  sendForeign(channel: string, text: string, sender?: string): string;
  readonly counters: MemoryCounters;
}

/** Makes a network that shares nothing with any other. */
export function memoryNetwork(options: MemoryNetworkOptions = {}): MemoryNetwork {
  return new NetworkCore(options);
}

export type Condition =
  | { readonly type: 'up' }
  | { readonly type: 'severed' }
  | { readonly type: 'swallowed'; readonly direction: SwallowedDirection }
  | { readonly type: 'refusing'; readonly error: BusError };

const UP: Condition = { type: 'up' };

/** The inside of a network, as the driver sees it. */
export class NetworkCore implements MemoryNetwork {
  readonly timers: BusTimers;
  readonly random: () => number;
  readonly counters: { -readonly [name in keyof MemoryCounters]: number } = {
    delivered: 0,
    dropped: 0,
    duplicated: 0,
    reordered: 0,
    delayed: 0,
  };
  /** A channel lives as long as a bus that has attached to it: a severed bus keeps its place, a forgotten one costs nothing. */
  readonly #channels = new Map<string, WeakRef<Channel>>();
  readonly #forgotten = new FinalizationRegistry<string>((name) => {
    if (this.#channels.get(name)?.deref() === undefined) this.#channels.delete(name);
  });
  readonly #conditions = new Map<string, Condition>();
  #everyCondition: Condition = UP;
  readonly #faults = new Map<string, MemoryFaults>();
  #everyFault: MemoryFaults = {};
  readonly #watchers = new Set<() => void>();
  #foreign = 0;

  constructor(options: MemoryNetworkOptions) {
    const { seed, timers = systemTimers } = options;
    if (seed !== undefined && !Number.isFinite(seed)) {
      throw new TypeError(`options.seed must be a number, got ${String(seed)}`);
    }
    this.timers = timers;
    this.random = seed === undefined ? Math.random : seededRandom(seed);
  }

  setFaults(faults: MemoryFaults, bus?: string): void {
    checkFaults(faults);
    if (bus !== undefined) {
      this.#faults.set(bus, faults);
      return;
    }
    this.#faults.clear();
    this.#everyFault = faults;
  }

  sever(bus?: string): void {
    this.#become({ type: 'severed' }, bus);
  }

  swallow(bus?: string, direction: SwallowedDirection = 'both'): void {
    this.#become({ type: 'swallowed', direction }, bus);
  }

  refuse(code: 'BUS_UNREACHABLE' | 'BUS_ACCESS_DENIED' | 'BUS_MISCONFIGURED', bus?: string): void {
    const error = new BusError(code, 'the memory network refuses; heal() ends that');
    this.#become({ type: 'refusing', error }, bus);
  }

  heal(bus?: string): void {
    this.#become(UP, bus);
  }

  sendForeign(channel: string, text: string, sender?: string): string {
    this.#foreign += 1;
    const id = `${channel}:${this.#foreign}`;
    const message = sender === undefined ? { text, id } : { text, id, sender };
    this.#channels
      .get(channel)
      ?.deref()
      ?.accept(sender ?? '', () => ({ type: 'foreign', message }));
    return id;
  }

  channel(name: string): Channel {
    const known = this.#channels.get(name)?.deref();
    if (known !== undefined) return known;
    const channel = new Channel(name);
    this.#channels.set(name, new WeakRef(channel));
    this.#forgotten.register(channel, name);
    return channel;
  }

  faultsOf(bus: string): MemoryFaults {
    return this.#faults.get(bus) ?? this.#everyFault;
  }

  conditionOf(bus: string): Condition {
    return this.#conditions.get(bus) ?? this.#everyCondition;
  }

  /** Tells of every change of condition, until the returned function is called. */
  watch(onChange: () => void): () => void {
    this.#watchers.add(onChange);
    return () => {
      this.#watchers.delete(onChange);
    };
  }

  #become(condition: Condition, bus: string | undefined): void {
    if (bus === undefined) {
      this.#conditions.clear();
      this.#everyCondition = condition;
    } else {
      this.#conditions.set(bus, condition);
    }
    for (const watcher of Array.from(this.#watchers)) watcher();
  }
}

const systemTimers: BusTimers = {
  set(callback, delayMs) {
    const timer = setTimeout(callback, delayMs);
    return () => {
      clearTimeout(timer);
    };
  },
};
