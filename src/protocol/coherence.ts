import { Acknowledgements } from './acknowledgements.ts';
import { Barrier } from './barrier.ts';
import { BeatListener } from './beat-listener.ts';
import { Beats } from './beats.ts';
import { decode, type Decoder } from './codec.ts';
import { newCounters, type Counters } from './counters.ts';
import type { Effect } from './effect.ts';
import { ForeignMessages } from './foreign-messages.ts';
import { Hearing } from './hearing.ts';
import type { Host } from './host.ts';
import { Identity } from './identity.ts';
import { Inbound } from './inbound.ts';
import type { BusEvent, Input, Wait } from './input.ts';
import type { Instant } from './instant.ts';
import { Members } from './members.ts';
import type { Origin } from './message.ts';
import { Proofs } from './proofs.ts';
import type { Publisher } from './publisher.ts';
import type { Selection } from './selection.ts';
import type { Settings } from './settings.ts';
import { Silence } from './silence.ts';
import { Succession } from './succession.ts';

export interface CoherenceOptions {
  readonly settings: Settings;
  /** Evenly from 0 to 1. */
  readonly random: () => number;
  readonly now: Instant;
  /** Whoever drives the protocol sends `turn-end` at the end of a turn after which `publisher.pumpDue`. Default `false`. */
  readonly gathersTurns?: boolean;
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
  readonly #succession: Succession;
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
    const heirs = { identity: this.#identity, members, barrier: this.#barrier, beats: this.#beats };
    this.#succession = new Succession(host, heirs, options.firstSeq);
    this.#hearing = this.#makeHearing(options.decode ?? decode);
  }

  get origin(): Origin {
    return this.#identity.origin;
  }

  get publisher(): Publisher {
    return this.#succession.publisher;
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
    this.#succession.review(this.#left);
    if (this.publisher.publishedAtMs === now.monoMs) this.#beats.published();
    this.members.review();
    this.#succession.endFormer();
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
        if (input.endsTurn === true) this.publisher.endTurn();
        return;
      case 'reserve':
        this.publisher.reserve(input.guard, input.selection);
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
        this.publisher.sent(input.id, input.outcome);
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
        this.publisher.endTurn();
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
    const seq = publish(this.publisher);
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
        this.publisher.interrupted();
        return;
    }
    this.#tick();
  }

  #attached(): void {
    this.#host.busOpen = true;
    this.members.attached();
    // What the others said meanwhile may only be on its way.
    this.#silence.excuse(2 * this.#beats.intervalMs);
    this.publisher.resume();
  }

  #tick(): void {
    this.#silence.tick(this.#beats.intervalMs);
    this.#inbound.tick(this.origin);
    this.#barrier.tick(this.members);
    this.publisher.tick();
    this.#acks.tick(this.origin);
    if (this.#left) return;
    this.#foreign.tick(this.publisher);
    this.#beats.probe();
    this.#beats.tick(this.origin, this.publisher);
  }

  #leave(silent: boolean): void {
    if (this.#left) return;
    this.#left = true;
    this.#barrier.end(this.members);
    this.publisher.interrupted();
    this.#beats.stop();
    // While a guarded write is under way nobody may trust that this was all: they wait until I am forgotten.
    if (silent || !this.#host.busOpen || this.publisher.guards > 0) return;
    this.#succession.sayBye();
  }

  #nextWake(): number {
    const wake = Math.min(
      this.#silence.dueAtMs,
      this.#inbound.dueAtMs,
      this.#barrier.dueAtMs,
      this.#acks.dueAtMs,
      this.publisher.dueAtMs,
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
      publisher: () => this.publisher,
    });
  }

  #makeHost(options: CoherenceOptions): { -readonly [Key in keyof Host]: Host[Key] } {
    return {
      settings: options.settings,
      counters: this.counters,
      now: options.now,
      busOpen: false,
      gathersTurns: options.gathersTurns ?? false,
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
