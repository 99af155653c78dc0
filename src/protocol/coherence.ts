import { Acknowledgements } from './acknowledgements.ts';
import { Barrier } from './barrier.ts';
import { BeatListener } from './beat-listener.ts';
import { Beats } from './beats.ts';
import { decode, encode, type Decoder } from './codec.ts';
import { newCounters, type Counters } from './counters.ts';
import type { Effect } from './effect.ts';
import { ForeignMessages } from './foreign-messages.ts';
import { Hearing } from './hearing.ts';
import type { Host } from './host.ts';
import { Identity } from './identity.ts';
import { Inbound } from './inbound.ts';
import type { BusEvent, Input, Wait } from './input.ts';
import type { Instant } from './instant.ts';
import { LIMITS } from './limits.ts';
import { Members } from './members.ts';
import type { Origin } from './message.ts';
import { Proofs } from './proofs.ts';
import { Publisher } from './publisher.ts';
import type { Selection } from './selection.ts';
import type { Settings } from './settings.ts';
import { Silence } from './silence.ts';

export interface CoherenceOptions {
  readonly settings: Settings;
  /** Evenly from 0 to 1. */
  readonly random: () => number;
  readonly now: Instant;
  /** For tests of the end of the numbers (PUB-6). */
  readonly firstSeq?: number;
  /** For a simulation, in which a frame is read once for all nodes that hear it. */
  readonly decode?: Decoder;
}

/**
 * The protocol of one node, without any input or output of its own: `step(input, now)` returns what is
 * to be done, and `wakeAtMs` says when it wants to be called with `{ type: 'timer' }` next. The same
 * inputs at the same instants with the same `random` give the same effects.
 */
export class Coherence {
  readonly counters: Counters = newCounters();
  readonly members: Members;
  readonly #settings: Settings;
  /** What the parts of the core see of the current step. */
  readonly #host: { -readonly [Key in keyof Host]: Host[Key] };
  readonly #identity: Identity;
  readonly #beats: Beats;
  readonly #barrier: Barrier;
  readonly #foreign: ForeignMessages;
  readonly #inbound: Inbound;
  readonly #silence: Silence;
  readonly #hearing: Hearing;
  readonly #acks: Acknowledgements;
  readonly #proofs: Proofs;
  #publisher: Publisher;
  /** An origin that came to the end of its numbers, and still has to say bye (PUB-6). */
  #former: { readonly origin: Origin; readonly seq: number } | undefined;
  #effects: Effect[] = [];
  #left = false;
  #nextSendId = 1;
  #wakeAtMs: number = Number.POSITIVE_INFINITY;

  constructor(options: CoherenceOptions) {
    this.#settings = options.settings;
    this.#host = this.#makeHost(options);
    const host = this.#host;
    this.#identity = new Identity(host);
    this.members = new Members(host);
    const { members } = this;
    this.#beats = new Beats(host, members);
    this.#barrier = new Barrier(host);
    this.#foreign = new ForeignMessages(host);
    this.#inbound = new Inbound(host, members, this.#barrier);
    this.#silence = new Silence(host, members, this.#inbound);
    this.#acks = new Acknowledgements(host, members);
    this.#proofs = new Proofs(host, members);
    this.#publisher = new Publisher(host, this.origin, options.firstSeq);
    this.#hearing = this.#makeHearing(options.decode ?? decode);
  }

  get origin(): Origin {
    return this.#identity.origin;
  }

  get publisher(): Publisher {
    return this.#publisher;
  }

  /** The bound in force, in ms. */
  get boundMs(): number {
    return this.#beats.boundMs;
  }

  /** When `step({ type: 'timer' })` is due, on the monotonic clock. */
  get wakeAtMs(): number {
    return this.#wakeAtMs;
  }

  step(input: Input, now: Instant): Effect[] {
    this.#host.now = now;
    this.#effects = [];
    this.#take(input);
    if (!this.#left && this.#identity.dueAtMs <= now.monoMs) this.#changeIdentity();
    if (this.#publisher.seq >= LAST_SEQ) this.#renewNumbers();
    if (this.#publisher.publishedAtMs === now.monoMs) this.#beats.published();
    this.members.review();
    if (this.#former !== undefined && this.members.ready) this.#endFormer();
    this.#proofs.tell(this.boundMs);
    this.#wakeAtMs = this.#nextWake();
    return this.#effects;
  }

  #take(input: Input): void {
    switch (input.type) {
      case 'frame':
        this.#hearing.frame(input.frame, this.#left);
        return;
      case 'foreign':
        this.#foreign.heard(input.message);
        return;
      case 'bus':
        this.#busEvent(input.event);
        return;
      case 'invalidate':
        if (input.applied !== true) this.#applyHere(input.selection);
        this.#publish(input.call, input.wait, (publisher) =>
          publisher.publish(input.call, input.selection, input.wait, input),
        );
        return;
      case 'reserve':
        this.#publisher.reserve(input.guard, input.selection);
        if (!this.#settings.protections.quarantine) return;
        this.#host.emit({ type: 'quarantine', guard: input.guard, selection: input.selection });
        return;
      case 'release':
        this.#applyHere(input.selection);
        this.#host.emit({ type: 'lift', guard: input.guard });
        this.#publish(input.call, input.wait, (publisher) =>
          publisher.release(input.guard, input.call, input.selection, input.wait, input),
        );
        return;
      case 'sent':
        this.#publisher.sent(input.id, input.outcome);
        return;
      case 'region':
        this.#proofs.add(input.region);
        return;
      case 'elsewhere':
        this.members.allowElsewhere(input.provenAtMs);
        return;
      case 'timer':
        this.#tick();
        return;
      case 'turn-end':
        this.#publisher.endTurn();
        return;
      case 'leave':
        this.#leave(input.silent ?? false);
        return;
    }
  }

  #applyHere(selection: Selection): void {
    this.#host.emit({ type: 'apply', selection, cause: { by: 'local' } });
  }

  #publish(call: number, wait: Wait, publish: (publisher: Publisher) => number): void {
    if (this.#left) {
      // After its bye nobody listens to this origin: it is applied here, and says so.
      const result = { by: 'local', acked: [], missing: [] } as const;
      this.#host.emit({ type: 'settle', call, result });
      return;
    }
    const seq = publish(this.#publisher);
    if (wait.for !== 'bus') this.#barrier.wait(call, seq, wait, this.members, this.boundMs);
  }

  #busEvent(event: BusEvent): void {
    switch (event) {
      case 'opened':
      case 'discontinuity':
        this.#attached();
        this.#beats.ask();
        this.#inbound.checkGaps();
        break;
      case 'lossless':
        this.#attached();
        this.#beats.asked();
        break;
      case 'interrupted':
      case 'failed':
        this.#host.busOpen = false;
        this.members.detached();
        this.#publisher.interrupted();
        return;
    }
    this.#tick();
  }

  #attached(): void {
    this.#host.busOpen = true;
    this.members.attached();
    // What the others said meanwhile may only be on its way.
    this.#silence.excuse(2 * this.#beats.intervalMs);
    this.#publisher.resume();
  }

  #tick(): void {
    this.#silence.tick(this.#beats.intervalMs);
    this.#inbound.tick(this.origin);
    this.#barrier.tick(this.members);
    this.#publisher.tick();
    this.#acks.tick(this.origin);
    if (this.#left) return;
    this.#foreign.tick(this.#publisher);
    this.#beats.probe();
    this.#beats.tick(this.origin, this.#publisher);
  }

  #leave(silent: boolean): void {
    if (this.#left) return;
    this.#left = true;
    this.#barrier.end(this.members);
    this.#publisher.interrupted();
    this.#beats.stop();
    // While a guarded write is under way nobody may trust that this was all: they wait until I am forgotten.
    if (silent || !this.#host.busOpen || this.#publisher.guards > 0) return;
    this.#sayBye(this.origin, this.#publisher.seq);
  }

  #sayBye(origin: Origin, seq: number): void {
    this.#host.send(encode(this.#settings.cluster, { type: 'bye', origin, seq }));
  }

  /** Somebody else uses this origin, or the others do not believe it any more (ID-2). */
  #changeIdentity(): void {
    const { origin } = this;
    this.#host.emit({ type: 'fence', regions: 'all', cause: { by: 'identity', origin } });
    this.#host.emit({ type: 'report', report: { type: 'identity-duplicated', origin } });
    this.#rename();
    // What this node has published under the old name may have been taken for a repetition: nobody knows which.
    this.#publisher.publish(0, { all: true }, { for: 'bus' });
  }

  /** The numbers come to their end: the same node goes on under another origin (PUB-6). */
  #renewNumbers(): void {
    this.#former = { origin: this.origin, seq: this.#publisher.seq };
    this.members.departures.departed(this.origin, this.#publisher.seq);
    this.#rename();
  }

  /** Until the new origin is required by everybody, the old one is what keeps them from trusting too much. */
  #endFormer(): void {
    if (this.#former === undefined || !this.#host.busOpen) return;
    this.#sayBye(this.#former.origin, this.#former.seq);
    this.#former = undefined;
  }

  #rename(): void {
    const { unsent, guards } = this.#publisher.abandon();
    this.#identity.renew();
    this.#publisher = new Publisher(this.#host, this.origin);
    this.members.renamed();
    this.#barrier.leaseOnly();
    this.#beats.reset();
    for (const [guard, selection] of guards) this.#publisher.reserve(guard, selection);
    for (const selection of unsent) this.#publisher.publish(0, selection, { for: 'bus' });
    this.#beats.tick(this.origin, this.#publisher);
  }

  #nextWake(): number {
    const wake = Math.min(
      this.#silence.dueAtMs,
      this.#inbound.dueAtMs,
      this.#barrier.dueAtMs,
      this.#acks.dueAtMs,
      this.#publisher.dueAtMs,
    );
    if (this.#left) return wake;
    return Math.min(wake, this.#beats.dueAtMs, this.#foreign.dueAtMs, this.#identity.dueAtMs);
  }

  #makeHearing(decoder: Decoder): Hearing {
    const parts = {
      members: this.members,
      beats: this.#beats,
      inbound: this.#inbound,
      barrier: this.#barrier,
    };
    const silence = this.#silence;
    return new Hearing(this.#host, decoder, {
      ...parts,
      identity: this.#identity,
      beatListener: new BeatListener(this.#host, { ...parts, silence }),
      acks: this.#acks,
      foreign: this.#foreign,
      publisher: () => this.#publisher,
    });
  }

  #makeHost(options: CoherenceOptions): { -readonly [Key in keyof Host]: Host[Key] } {
    return {
      settings: options.settings,
      counters: this.counters,
      now: options.now,
      busOpen: false,
      send: (frame, { summary, name } = {}) => {
        const id = this.#nextSendId;
        this.#nextSendId += 1;
        if (name !== undefined) this.#identity.sent(name, frame);
        this.#effects.push({ type: 'send', id, frame, summary });
        return id;
      },
      emit: (effect) => {
        this.#effects.push(effect);
      },
      random: options.random,
    };
  }
}

/** Where numbers end: so far below the largest safe integer that none is skipped (PUB-6). */
const LAST_SEQ = Number.MAX_SAFE_INTEGER - LIMITS.sequenceJump;
