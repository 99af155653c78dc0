import {
  type BusCapabilities,
  type BusReceiver,
  type BusTuning,
  createBus,
  type InvalidationBus,
} from '../../../src/index.ts';
import { FakeTimers, settled } from './fake-timers.ts';
import { ScriptedDriver, type ScriptedLink } from './scripted-driver.ts';

export interface BenchBus {
  readonly driver: ScriptedDriver;
  readonly timers: FakeTimers;
  readonly bus: InvalidationBus;
  /** What the receiver heard, one line each: `frame x`, `foreign x`, `resumed none`, `gap BUS_OVERFLOW`… */
  readonly heard: string[];
  readonly receiver: BusReceiver;
  /** Opens the bus over a link that stands. */
  readonly opened: () => Promise<ScriptedLink>;
  /** Lets the next attempt begin, which the back-off delays by at most its cap. */
  readonly nextAttempt: () => Promise<void>;
}

export interface BenchBusOptions {
  readonly capabilities?: Partial<BusCapabilities>;
  readonly tuning?: BusTuning;
  /** Called after each line of `heard`. */
  readonly onHeard?: (line: string) => void;
}

/** A bus over a scripted driver, with timers that the test moves. */
export function benchBus(options: BenchBusOptions = {}): BenchBus {
  const driver = new ScriptedDriver(options.capabilities);
  const timers = new FakeTimers();
  const bus = createBus(driver, { timers, random: () => 0.5, ...options.tuning });
  const heard: string[] = [];
  const hear = (line: string): void => {
    heard.push(line);
    options.onHeard?.(line);
  };
  const receiver: BusReceiver = {
    onFrame(frame) {
      hear(`frame ${frame}`);
    },
    onForeign(message) {
      hear(`foreign ${message.text}`);
    },
    onContinuity(event) {
      hear(`${event.type} ${event.type === 'resumed' ? event.loss : event.cause.code}`);
    },
  };
  return {
    driver,
    timers,
    bus,
    heard,
    receiver,
    async opened() {
      const opening = bus.open(receiver);
      const link = driver.lastAttempt.succeed();
      await opening;
      return link;
    },
    async nextAttempt() {
      const before = driver.attempts.length;
      await settled();
      await timers.advance(5_000);
      if (driver.attempts.length === before) throw new Error('no attempt within 5,000 ms');
    },
  };
}

/** What a promise was rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('the promise was fulfilled');
}
