import { Barrier } from './barrier.ts';
import { Beats } from './beats.ts';
import { decode, encode, type Decoder } from './codec.ts';
import { newCounters, type Counters } from './counters.ts';
import type { Cause, Effect } from './effect.ts';
import { ForeignMessages } from './foreign-messages.ts';
import type { Host } from './host.ts';
import type { BusEvent, Input, Wait } from './input.ts';
import type { Instant } from './instant.ts';
import { LIMITS } from './limits.ts';
import { Members } from './members.ts';
import type { Acks, Beat, Message, Origin, Repair } from './message.ts';
import { Inbound } from './inbound.ts';
import { OwnFrames } from './own-frames.ts';
import { Publisher } from './publisher.ts';
import { TIMES, type Settings } from './settings.ts';

/**
 * The protocol of one node, without any input or output of its own: `step(input, now)` returns what is
 * to be done, and `wakeAtMs` says when it wants to be called with `{ type: 'timer' }` next. The same
 * inputs at the same instants with the same `random` give the same effects.
 */
export class Coherence {
  readonly #settings: Settings;
  readonly #random: () => number;
  readonly #decode: Decoder;
  readonly counters: Counters = newCounters();
  /** What the parts of the core see of the current step. */
  readonly #host: { -readonly [Key in keyof Host]: Host[Key] };
  readonly #members: Members;
  readonly #beats: Beats;
  readonly #barrier: Barrier;
  readonly #foreign: ForeignMessages;
  readonly #inbound: Inbound;
  readonly #regions = new Set<string>();
  readonly #proofs = new Map<string, number>();
  /** Origins that wait for an acknowledgement, and when it is due. */
  readonly #acksDue = new Set<Origin>();
  #acksDueAtMs: number = Number.POSITIVE_INFINITY;
  #publisher: Publisher;
  #ownFrames = new OwnFrames();
  #origin: Origin;
  #effects: Effect[] = [];
  #left = false;
  #toldBoundMs = 0;
  #nextSendId = 1;
  #wakeAtMs: number = Number.POSITIVE_INFINITY;

  constructor(options: {
    readonly settings: Settings;
    readonly random: () => number;
    readonly now: Instant;
    /** For tests of the end of the numbers (PUB-6). */
    readonly firstSeq?: number;
    /** For a simulation, in which a frame is read once for all nodes that hear it. */
    readonly decode?: Decoder;
  }) {
    this.#settings = options.settings;
    this.#random = options.random;
    this.#decode = options.decode ?? decode;
    this.#origin = this.#newOrigin();
    this.#host = this.#makeHost(options.now);
    this.#members = new Members(this.#host);
    this.#beats = new Beats(this.#host);
    this.#barrier = new Barrier(this.#host);
    this.#foreign = new ForeignMessages(this.#host);
    this.#inbound = new Inbound(this.#host, this.#members, this.#barrier);
    this.#publisher = new Publisher(this.#host, this.#origin, options.firstSeq);
  }

  get origin(): Origin {
    return this.#origin;
  }

  get members(): Members {
    return this.#members;
  }

  get publisher(): Publisher {
    return this.#publisher;
  }

  /** The bound in force, in ms. */
  get boundMs(): number {
    return this.#beats.boundMs(this.#members.nodes);
  }

  /** When `step({ type: 'timer' })` is due, on the monotonic clock. */
  get wakeAtMs(): number {
    return this.#wakeAtMs;
  }

  step(input: Input, now: Instant): Effect[] {
    this.#host.now = now;
    this.#effects = [];
    this.#take(input);
    if (this.#publisher.seq >= Number.MAX_SAFE_INTEGER - LIMITS.sequenceJump) this.#rotate();
    if (this.#publisher.publishedAtMs === now.monoMs) this.#beats.published();
    this.#members.review();
    this.#prove();
    this.#wakeAtMs = this.#nextWake();
    return this.#effects;
  }

  #take(input: Input): void {
    switch (input.type) {
      case 'frame':
        this.#hear(input.frame);
        return;
      case 'foreign':
        this.#foreign.heard(input.message);
        return;
      case 'bus':
        this.#busEvent(input.event);
        return;
      case 'invalidate':
        this.#host.emit({ type: 'apply', selection: input.selection, cause: { by: 'local' } });
        this.#publish(input.call, input.wait, (publisher) =>
          publisher.publish(input.call, input.selection, input.wait),
        );
        return;
      case 'reserve':
        this.#publisher.reserve(input.guard, input.selection);
        if (!this.#settings.protections.quarantine) return;
        this.#host.emit({ type: 'quarantine', guard: input.guard, selection: input.selection });
        return;
      case 'release':
        this.#host.emit({ type: 'apply', selection: input.selection, cause: { by: 'local' } });
        this.#host.emit({ type: 'lift', guard: input.guard });
        this.#publish(input.call, input.wait, (publisher) =>
          publisher.release(input.guard, input.call, input.selection, input.wait),
        );
        return;
      case 'sent':
        this.#publisher.sent(input.id, input.outcome);
        return;
      case 'region':
        this.#regions.add(input.region);
        return;
      case 'timer':
        this.#tick();
        return;
      case 'leave':
        this.#leave();
        return;
    }
  }

  #publish(call: number, wait: Wait, publish: (publisher: Publisher) => number): void {
    const seq = publish(this.#publisher);
    if (wait.for !== 'bus') this.#barrier.wait(call, seq, wait, this.#members, this.boundMs);
  }

  #hear(frame: string): void {
    const { cluster, maxFrameBytes } = this.#settings;
    const limit = Math.max(maxFrameBytes, LIMITS.readFrameBytes);
    const decoded = this.#decode(frame, cluster, limit);
    switch (decoded.type) {
      case 'refused':
        this.#refuse(decoded.reason);
        return;
      case 'other-cluster':
        return;
      case 'newer':
        this.#inbound.newer(decoded.origin);
        return;
      case 'message':
        this.counters.framesHeard += 1;
        if (decoded.message.origin === this.#origin) this.#hearOwn(decoded.message, frame);
        else this.#hearPeer(decoded.message);
    }
  }

  #hearPeer(message: Message): void {
    switch (message.type) {
      case 'inv': {
        if (message.via !== undefined) this.#foreign.adopted(message.via);
        this.#inbound.batch(message.origin, [message.seq, message.seq], message.selection, message);
        if (message.ackWanted) this.#oweAck(message.origin);
        return;
      }
      case 'rep':
        this.#hearRepair(message);
        return;
      case 'beat':
        this.#hearBeat(message);
        return;
      case 'nack':
        this.#inbound.heard(message.origin);
        if (message.publisher === this.#origin) this.#publisher.answer(message);
        else this.#inbound.overheard(message);
        return;
      case 'ack':
        this.#hearAcks(message);
        return;
      case 'bye':
        this.#inbound.bye(message.origin, message.seq);
        return;
      case 'unknown':
        this.#inbound.heard(message.origin);
        return;
    }
  }

  #hearRepair(message: Repair): void {
    this.#inbound.batch(message.origin, message.range, message.selection, {
      repair: true,
      announced: message.seq,
    });
  }

  #hearBeat(beat: Beat): void {
    const departedMe = beat.departed?.has(this.#origin) ?? false;
    this.#inbound.beat(beat, this.#origin, (number) => this.#beats.sentAt(number));
    if (beat.config !== undefined) this.#hearConfig(beat.origin, beat.config);
    if (beat.joining) this.#beats.asked(this.#members.nodes);
    // Others hold that I have left for good: as this origin nobody would require me any more.
    if (departedMe && !this.#left) this.#rotate();
  }

  #hearConfig(origin: Origin, config: { maxStalenessMs: number; beatIntervalMs: number }): void {
    this.#beats.heardInterval(config.beatIntervalMs);
    const { maxStalenessMs } = config;
    if (maxStalenessMs === this.#settings.maxStalenessMs) return;
    this.#inbound.configMismatch(origin, maxStalenessMs);
  }

  #hearAcks(message: Acks): void {
    this.#inbound.heard(message.origin);
    const contig = message.acks.get(this.#origin);
    if (contig !== undefined) {
      this.#barrier.acknowledged(message.origin, contig, this.#members);
    }
  }

  #hearOwn(message: Message, frame: string): void {
    const stranger =
      (message.type === 'inv' && message.seq > this.#publisher.seq) ||
      (message.type === 'beat' && message.beat > this.#beats.beat) ||
      !this.#ownFrames.isMine(nameOf(message), frame);
    if (stranger) this.#rotate();
  }

  #busEvent(event: BusEvent): void {
    switch (event) {
      case 'opened':
      case 'discontinuity':
        this.#host.busOpen = true;
        this.#beats.ask();
        this.#inbound.checkGaps();
        this.#publisher.resume();
        break;
      case 'lossless':
        this.#host.busOpen = true;
        this.#beats.asked(1);
        this.#publisher.resume();
        break;
      case 'interrupted':
      case 'failed':
        this.#host.busOpen = false;
        this.#publisher.interrupted();
        return;
    }
    this.#tick();
  }

  #tick(): void {
    const lateMs = this.#host.now.monoMs - this.#wakeAtMs;
    this.#inbound.tick(this.#origin, {
      lateMs,
      intervalMs: this.#beats.intervalMs(this.#members.nodes),
    });
    this.#barrier.tick(this.#members);
    this.#foreign.tick(this.#publisher);
    this.#publisher.tick();
    if (this.#inbound.proofGrowsOld(0.7 * this.boundMs)) this.#beats.probe(this.#members.nodes);
    if (!this.#left) this.#beats.tick(this.#origin, this.#members, this.#publisher);
    if (this.#host.now.monoMs >= this.#acksDueAtMs) this.#sendAcks();
  }

  #oweAck(origin: Origin): void {
    if (this.#acksDue.size >= LIMITS.peers) return;
    this.#acksDue.add(origin);
    this.#acksDueAtMs = Math.min(this.#acksDueAtMs, this.#host.now.monoMs + TIMES.ackDelay);
  }

  #sendAcks(): void {
    const acks = new Map<Origin, number>();
    for (const origin of this.#acksDue) {
      const peer = this.#members.get(origin);
      if (peer !== undefined && acks.size < LIMITS.digestEntries)
        acks.set(origin, peer.sequence.contig);
    }
    this.#acksDue.clear();
    this.#acksDueAtMs = Number.POSITIVE_INFINITY;
    if (acks.size === 0 || !this.#host.busOpen) return;
    this.#host.send(encode(this.#settings.cluster, { type: 'ack', origin: this.#origin, acks }));
  }

  #leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#barrier.end(this.#members);
    if (!this.#host.busOpen) return;
    const { cluster } = this.#settings;
    this.#host.send(
      encode(cluster, { type: 'bye', origin: this.#origin, seq: this.#publisher.seq }),
    );
  }

  /** Takes a new epoch: somebody else uses this one, or it has come to an end (ID-2, PUB-6). */
  #rotate(): void {
    const { unsent, guards } = this.#publisher.abandon();
    const cause: Cause = { by: 'identity', origin: this.#origin };
    this.#host.emit({ type: 'fence', regions: 'all', cause });
    this.#host.emit({
      type: 'report',
      report: { type: 'identity-duplicated', origin: this.#origin },
    });
    this.#origin = this.#newOrigin();
    this.#ownFrames = new OwnFrames();
    this.#publisher = new Publisher(this.#host, this.#origin);
    this.#members.ready = false;
    this.#barrier.leaseOnly();
    for (const peer of this.#members.all()) peer.forgetProof();
    this.#beats.reset();
    for (const [guard, selection] of guards) this.#publisher.reserve(guard, selection);
    this.#publisher.publish(0, unsent, { for: 'bus' });
  }

  #prove(): void {
    if (this.boundMs !== this.#toldBoundMs) {
      this.#toldBoundMs = this.boundMs;
      const { readRule } = this.#settings.protections;
      this.#host.emit({ type: 'bound', boundMs: readRule ? this.boundMs : Infinity });
    }
    for (const region of this.#regions) {
      const atMs = this.#members.proofMs(region);
      if (this.#proofs.get(region) === atMs) continue;
      this.#proofs.set(region, atMs);
      this.#host.emit({ type: 'proof', region, atMs });
    }
  }

  #nextWake(): number {
    return Math.min(
      this.#beats.dueAtMs,
      this.#inbound.dueAtMs(this.#beats.intervalMs(this.#members.nodes)),
      this.#barrier.dueAtMs,
      this.#foreign.dueAtMs,
      this.#acksDueAtMs,
      this.#publisher.dueAtMs,
    );
  }

  #refuse(reason: string): void {
    const refused = this.counters.framesRefused;
    refused[reason] = (refused[reason] ?? 0) + 1;
    this.#host.emit({ type: 'report', report: { type: 'frame-refused', reason } });
  }

  /** 64 random bits in base 32 (ID-1). */
  #newOrigin(): Origin {
    let epoch = '';
    for (let digit = 0; digit < 13; digit += 1) {
      epoch += Math.floor(this.#random() * 32).toString(32);
    }
    return `${this.#settings.label}/${epoch}`;
  }

  #makeHost(now: Instant): { -readonly [Key in keyof Host]: Host[Key] } {
    return {
      settings: this.#settings,
      counters: this.counters,
      now,
      busOpen: false,
      send: (frame, { summary, name } = {}) => {
        const id = this.#nextSendId;
        this.#nextSendId += 1;
        if (name !== undefined) this.#ownFrames.sent(name, frame);
        this.#effects.push({ type: 'send', id, frame, summary });
        return id;
      },
      emit: (effect) => {
        this.#effects.push(effect);
      },
      random: this.#random,
    };
  }
}

/** What names a frame among those of one origin. */
function nameOf(message: Message): string {
  if (message.type === 'inv') return `inv ${message.seq}`;
  return message.type === 'beat' ? `beat ${message.beat}` : message.type;
}
