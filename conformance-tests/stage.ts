import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import type { BusTuning, InvalidationBus } from '../src/index.ts';
import type { Address } from './address.ts';
import type { BrokerPlace, BusFixture, BusPlace, Waits } from './fixture.ts';
import { listen, stopListening } from './listen.ts';
import { faultyLine, proxiedLine, type Line } from './line.ts';
import { Member, type Heard } from './member.ts';
import { settles } from './settlement.ts';

export interface JoinOptions {
  /** Default: the channel of the test. */
  readonly channel?: string;
  readonly tuning?: BusTuning;
  /** How the bus is made. Default: the fixture's `createBus`. */
  readonly make?: (place: BusPlace) => InvalidationBus;
  readonly onHeard?: (heard: Heard) => void;
}

/** Short waits, so that a cut costs a test a moment; long enough for a busy machine. */
const STAGE_TUNING: BusTuning = {
  attachTimeoutMs: 10_000,
  confirmTimeoutMs: 5_000,
  detachTimeoutMs: 1_000,
  retryBaseMs: 20,
  retryCapMs: 200,
};

/** Everything that one test makes, on a channel of its own, and what ends it again. */
export class Stage {
  readonly fixture: BusFixture;
  readonly waits: Waits;
  readonly channel: string;
  readonly #broker: Address | undefined;
  readonly #members: Member[] = [];
  readonly #lines: Line[] = [];
  readonly #run: string = randomBytes(5).toString('hex');
  #placed = 0;

  constructor(options: {
    readonly fixture: BusFixture;
    readonly waits: Waits;
    readonly broker: Address | undefined;
  }) {
    this.fixture = options.fixture;
    this.waits = options.waits;
    this.#broker = options.broker;
    this.channel = `c-${this.#run}`;
  }

  /** Makes a bus on a line of its own, not opened yet. */
  async place(options: JoinOptions = {}): Promise<Member> {
    const { channel = this.channel, make, onHeard } = options;
    this.#placed += 1;
    const name = `bus-${this.#run}-${this.#placed}`;
    const line = await this.#line(name);
    this.#lines.push(line);
    const { host, port } = line;
    const tuning = { ...STAGE_TUNING, ...options.tuning };
    const bus = (make ?? this.#create)({ host, port, channel, name, tuning });
    const { patienceMs } = this.waits;
    const member = new Member({ name, bus, line, patienceMs, onHeard });
    this.#members.push(member);
    return member;
  }

  /** Makes a bus and opens it. */
  async join(options: JoinOptions = {}): Promise<Member> {
    const member = await this.place(options);
    await this.within(`${member.name}.open()`, member.bus.open(member.receiver));
    return member;
  }

  async joinMany(count: number, options: JoinOptions = {}): Promise<Member[]> {
    return Promise.all(Array.from({ length: count }, () => this.join(options)));
  }

  /** A place where no broker is: a port that is free, or a severed line. */
  async placeOutOfReach(): Promise<Member> {
    if (this.#broker === undefined) {
      const member = await this.place();
      await member.line.sever();
      return member;
    }
    const port = await freePort();
    return this.place({
      make: (place) => this.fixture.createBus({ ...place, host: '127.0.0.1', port }),
    });
  }

  /** The channel, past every proxy. */
  brokerPlace(channel: string = this.channel): BrokerPlace {
    return { host: this.#broker?.host ?? '', port: this.#broker?.port ?? 0, channel };
  }

  /** Waits for a call that must settle; rejects as it does, or by name when it does not settle. */
  async within<T>(what: string, work: Promise<T>, boundMs?: number): Promise<T> {
    const settlement = await settles(what, work, boundMs ?? this.waits.patienceMs);
    if (settlement.state === 'rejected') throw settlement.error;
    return settlement.value;
  }

  /** Publishes; a refusal fails the test. */
  async publish(member: Member, ...frames: readonly string[]): Promise<void> {
    await this.within(
      `the publishing of ${frames.length} frames by ${member.name}`,
      Promise.all(frames.map((frame) => member.bus.publish(frame))),
    );
  }

  /** Publishes a frame and waits until everybody has heard it: what came before it would have come by now. */
  async sentinel(from: Member, everybody: readonly Member[]): Promise<string> {
    const frame = `sentinel ${randomBytes(6).toString('hex')}`;
    await this.publish(from, frame);
    await Promise.all(everybody.map((member) => member.hearsFrame(frame)));
    return frame;
  }

  /** Closes every bus and then its line; a bus that does not close in time is named. */
  async close(): Promise<void> {
    const closed = await Promise.allSettled(
      this.#members.map(async (member) => {
        await member.line.heal();
        await this.within(`${member.name}.close()`, member.bus.close());
      }),
    );
    await Promise.all(this.#lines.map((line) => line.close()));
    for (const result of closed) if (result.status === 'rejected') throw result.reason;
  }

  readonly #create = (place: BusPlace): InvalidationBus => this.fixture.createBus(place);

  async #line(name: string): Promise<Line> {
    if (this.#broker !== undefined) return proxiedLine(this.#broker);
    return faultyLine(
      this.fixture.faults ?? { sever: noFaults('sever'), heal: () => undefined },
      name,
    );
  }
}

function noFaults(verb: string): () => never {
  return () => {
    throw new Error(`the fixture has neither \`broker\` nor \`faults\`, so it cannot ${verb}`);
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await stopListening(server);
  return port;
}
