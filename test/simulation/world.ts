import { decode, type Decoded, type Decoder } from '../../src/protocol/codec.ts';
import type { Effect } from '../../src/protocol/effect.ts';
import type { Input } from '../../src/protocol/input.ts';
import type { Message, Origin } from '../../src/protocol/message.ts';
import type { Report } from '../../src/protocol/report.ts';
import { ALL_PROTECTIONS, type Protections, type Settings } from '../../src/protocol/settings.ts';
import { resolveSettings } from '../../src/cluster/cluster-options.ts';
import { EventQueue } from './event-queue.ts';
import { Invariants } from './invariants.ts';
import { Ledger } from './ledger.ts';
import { CoreMember } from './core-member.ts';
import type { Member, MemberOptions } from './member.ts';
import { Network, type NetworkHost } from './network.ts';
import { NodeClock } from './node-clock.ts';
import type { Plan } from './plan.ts';
import { Prng } from './prng.ts';
import { Source } from './source.ts';
import { Trace } from './trace.ts';
import { complainOf, Violation, type Complain } from './violation.ts';
import { Witness } from './witness.ts';

/** The name of the simulated cluster. */
export const CLUSTER = 'sim';

/** What a bus usually takes. */
const MAX_FRAME_BYTES = 8_192;

/** Frames whose reading is remembered. */
const REMEMBERED_FRAMES = 4_096;

export interface WorldOptions {
  readonly plan: Plan;
  readonly unprotected?: Partial<Protections>;
  readonly readable?: boolean;
  /** The invariants that are looked at; all of them by default. */
  readonly only?: ReadonlySet<string>;
  /** Makes what a node consists of; by default the core, the region board and the store. */
  readonly make?: (world: World, options: MemberOptions) => Member;
  /** Slots beyond those that the plan starts with. */
  readonly spareSlots?: number;
}

/** One simulated cluster: true time, the nodes, the network between them, the source, and who watches. */
export class World implements NetworkHost {
  readonly plan: Plan;
  readonly trace: Trace;
  readonly network: Network;
  readonly complain: Complain;
  readonly source: Source = new Source();
  readonly invariants: Invariants;
  readonly ledgers: Map<Origin, Ledger> = new Map<Origin, Ledger>();
  /** Every incarnation that exists now, by slot. */
  readonly members: (Member | undefined)[];
  /** How often something happened; the "sometimes" counters are among them. */
  readonly counts: Map<string, number> = new Map<string, number>();
  nowMs = 0;
  events = 0;
  /** An assumption of PROTOCOL 1.1 was broken: from here on nothing is promised. */
  broken: string | undefined;
  healed = false;
  failure: unknown;
  readonly #queue = new EventQueue();
  readonly #chance: Prng;
  readonly #lateness: Prng;
  readonly #unprotected: Partial<Protections>;
  readonly #make: (world: World, options: MemberOptions) => Member;
  readonly #incarnations: number[];
  readonly #read = new Map<string, Decoded>();
  #lastFrame = '';
  #lastRead: Decoded | undefined;

  constructor(options: WorldOptions) {
    const { plan } = options;
    this.plan = plan;
    this.trace = new Trace(options.readable ?? false);
    this.complain = complainOf(options.only);
    this.#unprotected = options.unprotected ?? {};
    this.#make = options.make ?? ((world, member) => new CoreMember(world, member));
    this.#chance = new Prng(plan.seed);
    this.#lateness = this.chance('lateness');
    const slots = plan.nodes + (options.spareSlots ?? 0);
    this.members = Array.from({ length: slots }, () => undefined);
    this.#incarnations = Array.from({ length: slots }, () => 0);
    this.network = new Network(this, plan, slots, this.chance('network'));
    this.invariants = new Invariants(this);
  }

  /** A stream of chance of its own for what `label` names. */
  chance(label: string): Prng {
    return this.#chance.split(label);
  }

  at(atMs: number, run: () => void): void {
    this.#queue.push(atMs, run);
  }

  count(name: string, by = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + by);
  }

  /** Lets happen what happens until `untilMs`, or until an assumption breaks. */
  run(untilMs: number): void {
    while (this.broken === undefined && this.#next(untilMs));
  }

  /** Like `run`, for nodes that use promises: each event has settled them before the next one happens. */
  async runSettling(untilMs: number): Promise<void> {
    let due = true;
    while (due && this.broken === undefined && this.failure === undefined) {
      due = this.#next(untilMs);
      await settled();
    }
    if (this.failure !== undefined) throw this.failure;
  }

  /** Something that nobody would hear of otherwise, because promises or a receiver contain it. */
  failed(error: unknown): void {
    this.failure ??= error;
  }

  /** Looks at something from where an exception would not reach the schedule. */
  check(look: () => void): void {
    try {
      look();
    } catch (error) {
      this.failed(error);
    }
  }

  /** Starts a new incarnation in `slot`; with the same chance as the incarnation `twin`, if that is given. */
  start(slot: number, overrides: Partial<Settings> = {}, twin?: string): Member {
    const port = this.network.ports[slot];
    if (port === undefined) throw new RangeError(`there is no slot ${slot}`);
    const incarnation = (this.#incarnations[slot] ?? 0) + 1;
    this.#incarnations[slot] = incarnation;
    const name = `n${slot}.${incarnation}`;
    const chance = this.chance(`node ${twin ?? name}`);
    const { rateError } = this.plan;
    const clock = new NodeClock({
      nowMs: this.nowMs,
      rate: 1 + chance.between(-rateError, rateError),
      monoMs: chance.between(0, 1e6),
      wallOffsetMs: 1.7e12 + chance.between(-1e6, 1e6),
    });
    const member = this.#make(this, {
      name,
      port,
      clock,
      settings: { ...this.#settings(`n${slot}`), ...overrides },
      witness: new Witness({
        name,
        ledgerOf: (origin) => this.ledgers.get(origin),
        complain: this.complain,
      }),
      random: () => chance.next(),
    });
    this.members[slot] = member;
    this.trace.line(this.nowMs, () => `${name} starts as ${member.origin}`);
    member.start();
    return member;
  }

  /** Every node that takes part now. */
  *working(): Iterable<Member> {
    for (const member of this.members) if (member?.life.works === true) yield member;
  }

  /** A process has taken `origin`, in place of `former` if it had one. */
  born(origin: Origin, former?: Origin): void {
    if (former !== undefined) this.ledgers.get(former)?.leave();
    const ledger = this.ledgers.get(origin);
    if (ledger === undefined) this.ledgers.set(origin, new Ledger(origin, this.complain));
    else ledger.share();
  }

  ended(member: Member): void {
    this.trace.line(this.nowMs, () => `${member.name} has ended`);
    this.ledgers.get(member.origin)?.leave();
    if (member.port.client === member) this.network.remove(member.port);
    const slot = this.members.indexOf(member);
    if (slot >= 0) this.members[slot] = undefined;
  }

  /** Reads a frame once for all nodes that hear it. */
  readonly decode: Decoder = (frame, cluster, maxFrameBytes) => {
    // The one who hears it and those who watch him ask one after the other.
    if (frame === this.#lastFrame && this.#lastRead !== undefined) return this.#lastRead;
    let read = this.#read.get(frame);
    if (read === undefined) {
      read = decode(frame, cluster, maxFrameBytes);
      if (this.#read.size >= REMEMBERED_FRAMES) this.#read.clear();
      this.#read.set(frame, read);
    }
    this.#lastFrame = frame;
    this.#lastRead = read;
    return read;
  };

  /** What a frame says, if it is a message of this cluster. */
  messageOf(frame: string): Message | undefined {
    const decoded = this.decode(frame, CLUSTER, MAX_FRAME_BYTES);
    return decoded.type === 'message' ? decoded.message : undefined;
  }

  /** `member` sends a frame. */
  sent(member: Member, frame: string): Message['type'] {
    const message = this.messageOf(frame);
    if (message === undefined || frame.length > MAX_FRAME_BYTES) {
      throw new Violation('I7', `${member.name} sends what nobody can read: ${frame.slice(0, 99)}`);
    }
    this.trace.line(this.nowMs, () => `${member.name} sends ${frame}`);
    const kind = this.ledgers.get(message.origin)?.sent(message, frame) ?? 'control';
    this.invariants.sent(member, message, kind);
    return message.type;
  }

  stepped(member: Member, input: Input, effects: readonly Effect[]): void {
    this.trace.note(this.nowMs);
    this.trace.note(effects.length);
    this.trace.note(member.core.wakeAtMs);
    this.invariants.stepped(member, input, effects);
  }

  reported(member: Member, report: Report): void {
    this.trace.line(this.nowMs, () => `${member.name} reports ${JSON.stringify(report)}`);
    this.invariants.reported(member, report);
  }

  /** How late a timer fires. */
  timerLatenessMs(): number {
    if (this.healed || !this.plan.faults.has('late-timers')) return 0;
    return this.#lateness.chance(0.2) ? this.#lateness.exponential(150) : 0;
  }

  /** The next event, if it happens until `untilMs`. */
  #next(untilMs: number): boolean {
    const event = this.#queue.pop();
    if (event === undefined || event.atMs > untilMs) {
      if (event !== undefined) this.#queue.push(event.atMs, event.run);
      this.nowMs = Math.max(this.nowMs, Number.isFinite(untilMs) ? untilMs : this.nowMs);
      return false;
    }
    this.nowMs = Math.max(this.nowMs, event.atMs);
    this.events += 1;
    event.run();
    return true;
  }

  #settings(label: string): Settings {
    const { plan } = this;
    return {
      ...resolveSettings(
        {
          name: CLUSTER,
          bus: () => {
            throw new TypeError('the simulation has no bus');
          },
          label,
          maxStalenessMs: plan.maxStalenessMs,
          forgetAfterMs: plan.forgetAfterMs,
          uniqueLabel: plan.uniqueLabel,
          strict: plan.strict,
          onGuardTimeout: plan.onGuardTimeout,
          ...(plan.expectedNodes === undefined ? {} : { expectedNodes: plan.expectedNodes }),
        },
        { maxFrameBytes: MAX_FRAME_BYTES },
      ),
      repairBatches: plan.repairBatches,
      protections: { ...ALL_PROTECTIONS, ...this.#unprotected },
    };
  }
}

/** Every promise that can settle now has settled. */
async function settled(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
}
