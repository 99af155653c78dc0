import { BusError, type Frame, type Link, type LinkEvents } from '../../src/index.ts';
import type { Channel, Entry, Listener, Place } from './channel.ts';
import { Delays } from './delays.ts';
import type { MemoryDriverOptions } from './memory-driver.ts';
import { drawFate } from './memory-faults.ts';
import { Pipe } from './pipe.ts';

export type MemoryLineOptions = Omit<MemoryDriverOptions, 'channel'> & {
  readonly channel: Channel;
  readonly events: LinkEvents;
  /** What the bus missed since its last line, or `undefined` if it starts afresh. */
  readonly missed: readonly Entry[] | undefined;
  readonly onDown: (place: Place) => void;
};

/** How long a message waits to be overtaken. */
const REORDER_HOLD_MS = 50;

/** One attachment: the way in from the channel, with its faults, and the way out. */
export class MemoryLine implements Link, Listener {
  readonly resumed: boolean;
  readonly #options: MemoryLineOptions;
  readonly #delays: Delays;
  readonly #in: Pipe;
  readonly #out: Pipe;
  readonly #onTheWay = new Set<number>();
  readonly #unwatch: () => void;
  /** The newest entry that the channel has handed to this line. */
  #last: number;
  #held: Entry | undefined;
  #stopHold: () => void = nothing;
  #stopSilence: (() => void) | undefined;
  #gone = false;

  constructor(options: MemoryLineOptions) {
    this.#options = options;
    const { channel, network, name, maxQueuedMessages, missed } = options;
    this.resumed = missed !== undefined;
    this.#last = channel.last;
    this.#delays = new Delays({ ordering: options.capabilities.ordering, timers: network.timers });
    const swallows = (way: 'in' | 'out') => (): boolean => {
      const condition = network.conditionOf(name);
      return (
        condition.type === 'swallowed' &&
        (condition.direction === 'both' || condition.direction === way)
      );
    };
    this.#in = new Pipe({ limit: maxQueuedMessages, isStuck: swallows('in') });
    this.#out = new Pipe({ limit: maxQueuedMessages, isStuck: swallows('out') });
    for (const entry of missed ?? []) this.#hear(entry);
    channel.join(this);
    this.#unwatch = network.watch(() => {
      this.#look();
    });
    this.#look();
  }

  send(frame: Frame): Promise<void> {
    const { channel, name } = this.#options;
    return new Promise((resolve, reject) => {
      const sent = this.#out.push(() => {
        channel.accept(name, () => ({ type: 'frame', frame }));
        this.#in.push(resolve);
      });
      if (!sent) {
        reject(new BusError('BUS_REJECTED', 'the swallowed line is full (maxQueuedMessages)'));
      }
    });
  }

  async detach(): Promise<void> {
    this.#leave();
  }

  deliver(entry: Entry): void {
    if (this.#gone) return;
    this.#last = entry.number;
    const { channel, network, name, maxQueuedMessages } = this.#options;
    if (this.#onTheWay.size >= maxQueuedMessages) {
      this.#overflow(entry);
      return;
    }
    const { from, content } = entry;
    const foreign = content.type === 'foreign';
    const text = foreign ? content.message.text : content.frame;
    const delivery = { channel: channel.name, text, foreign, from, to: name };
    const fate = drawFate(network.faultsOf(name), delivery, network.random);
    if (fate.copies === 0) {
      this.#lose('the network dropped a message', fate.reportDrop);
      return;
    }
    if (fate.copies === 2) network.counters.duplicated += 1;
    if (fate.delayMs > 0) network.counters.delayed += 1;
    this.#onTheWay.add(entry.number);
    for (let copy = 0; copy < fate.copies; copy += 1) {
      this.#delays.pass(entry.from, fate.delayMs, () => {
        this.#arrive(entry, fate.overtaken && copy === 0);
      });
    }
  }

  /** A line that only is slow owns up; one that is half-open cannot, so it dies and takes its place with it. */
  #overflow({ number }: Entry): void {
    const why = 'more messages were on their way than maxQueuedMessages';
    if (!this.#in.isStuck) {
      this.#lose(why, true);
      return;
    }
    this.#onTheWay.add(number);
    this.#down(new BusError('BUS_OVERFLOW', why));
  }

  #lose(why: string, report: boolean): void {
    this.#options.network.counters.dropped += 1;
    if (report) this.#options.events.gap(new BusError('BUS_OVERFLOW', why));
  }

  #arrive(entry: Entry, overtaken: boolean): void {
    if (overtaken && this.#held === undefined) {
      this.#options.network.counters.reordered += 1;
      this.#held = entry;
      this.#stopHold = this.#options.network.timers.set(() => {
        this.#passHeld();
      }, REORDER_HOLD_MS);
      return;
    }
    this.#pass(entry);
    this.#passHeld();
  }

  #passHeld(): void {
    const held = this.#held;
    this.#held = undefined;
    this.#stopHold();
    if (held !== undefined) this.#pass(held);
  }

  #pass(entry: Entry): void {
    this.#in.push(() => {
      this.#hear(entry);
    });
  }

  #hear({ number, content }: Entry): void {
    if (this.#gone) return;
    this.#onTheWay.delete(number);
    const { events, network } = this.#options;
    network.counters.delivered += 1;
    if (content.type === 'frame') events.frame(content.frame);
    else events.foreign(content.message);
  }

  /** Looks at the condition of the line, which may have changed. */
  #look(): void {
    const { network, name, silenceTimeoutMs } = this.#options;
    const condition = network.conditionOf(name);
    if (condition.type === 'severed') {
      this.#down(severed());
      return;
    }
    if (condition.type === 'swallowed') {
      this.#stopSilence ??= network.timers.set(() => {
        const message = `nothing passed the line for ${silenceTimeoutMs} ms (silenceTimeoutMs)`;
        this.#down(new BusError('BUS_UNREACHABLE', message));
      }, silenceTimeoutMs);
    } else {
      this.#stopSilence?.();
      this.#stopSilence = undefined;
    }
    this.#out.drain();
    this.#in.drain();
  }

  #down(cause: BusError): void {
    if (this.#gone) return;
    this.#leave();
    this.#options.events.down(cause);
  }

  #leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    const { channel, onDown } = this.#options;
    channel.leave(this);
    this.#unwatch();
    this.#delays.clear();
    this.#in.clear();
    this.#out.clear();
    this.#stopHold();
    this.#stopSilence?.();
    onDown({ last: this.#last, onTheWay: this.#onTheWay });
  }
}

export function severed(): BusError {
  return new BusError('BUS_UNREACHABLE', 'the line to the memory network is severed');
}

function nothing(): void {}
