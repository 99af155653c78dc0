import type { BusTuning, InvalidationBus } from '../src/index.ts';
import type { Address } from './address.ts';
import type { RuleId } from './rule-book.ts';

/** What the suite must know about a bus. Only `createBus` and `broker` (or `faults`) are needed. */
export interface BusFixture {
  /** Where the broker listens, or a function that starts it; called once. A bus without a socket gives `faults` instead. */
  readonly broker?: Address | (() => Address | Promise<Address>);
  /** Makes a bus that has not been opened. It must connect to `place`, which is the suite's proxy. */
  readonly createBus: (place: BusPlace) => InvalidationBus;
  /** How to disturb the line of one bus, for a bus without a socket. */
  readonly faults?: BusFaults;
  /** Makes a bus whose credential the broker refuses. IB-13. */
  readonly wrongCredential?: (place: BusPlace) => InvalidationBus;
  /** The credential that `wrongCredential` uses: it must not show up in the error. */
  readonly wrongSecret?: string;
  /** Sends a message without a frame to the channel, as a person or another program would. IB-09. */
  readonly foreign?: (place: BrokerPlace, text: string) => void | Promise<void>;
  /** Messages that mean harm; each must be reported by every bus on the channel. IB-42; default: hostile texts through `foreign`. */
  readonly hostile?: readonly HostileMessage[];
  /** Within what time the bus that `createBus` makes notices a half-open line, in ms. Default 30,000. IB-36. */
  readonly halfOpenWithinMs?: number;
  /** How long anything else may take to be heard, in ms. Default 15,000. */
  readonly patienceMs?: number;
  /** Rules that the bus cannot show, each with the reason. */
  readonly pending?: Readonly<Partial<Record<RuleId, string>>>;
}

/** Where a bus is to be attached. */
export interface BusPlace {
  /** The proxy of this bus; without `broker` both say nothing. */
  readonly host: string;
  readonly port: number;
  /** A channel of its own for every test. Any text, as `joinCluster` would pass it. */
  readonly channel: string;
  /** Names the bus: unique within the run; `faults` is called with it. */
  readonly name: string;
  /** Short waits for `createBus(driver, tuning)`. A bus that ignores them only makes the suite slower. */
  readonly tuning: BusTuning;
}

/** The channel, past the proxy. */
export interface BrokerPlace {
  readonly host: string;
  readonly port: number;
  readonly channel: string;
}

/** Each verb takes the `name` of the bus that it is about. */
export interface BusFaults {
  /** Cuts the line and keeps it cut. */
  sever(name: string): void | Promise<void>;
  /** Stops everything on the line without a sign. IB-36. */
  swallow?(name: string): void | Promise<void>;
  /** Ends both. */
  heal(name: string): void | Promise<void>;
}

export interface HostileMessage {
  /** What is wrong with it. */
  readonly name: string;
  send(place: BrokerPlace): void | Promise<void>;
}

/** The waits of the suite, resolved. */
export interface Waits {
  readonly patienceMs: number;
  readonly halfOpenWithinMs: number;
}

export function waitsOf(fixture: BusFixture): Waits {
  const { patienceMs = 15_000, halfOpenWithinMs = 30_000 } = fixture;
  for (const [name, value] of Object.entries({ patienceMs, halfOpenWithinMs })) {
    if (!(value > 0)) throw new TypeError(`fixture.${name} must be a number above 0`);
  }
  return { patienceMs, halfOpenWithinMs };
}
