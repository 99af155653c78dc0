import type { ForeignText, SendOutcome } from '../../src/protocol/input.ts';
import type { Plan } from './plan.ts';
import { Port, type Attached, type Parcel } from './port.ts';
import type { Prng } from './prng.ts';

export interface NetworkHost {
  readonly nowMs: number;
  at(atMs: number, run: () => void): void;
  count(name: string): void;
}

/** The broker's confirm timeout, as far as the model goes. */
const UNCONFIRMED_AFTER_MS = 1_500;

/** Frames that are remembered for a replay. */
const RECORDED = 64;

/** A broker and the lines to it, with everything that happens to them. */
export class Network {
  readonly ports: readonly Port[];
  readonly #host: NetworkHost;
  readonly #plan: Plan;
  readonly #chance: Prng;
  /** `[from][to]`: until when the broker does not pass on what one publishes to the other. */
  readonly #severedUntilMs: number[][];
  readonly #recorded: string[] = [];
  #generation = 0;
  #healed = false;

  constructor(host: NetworkHost, plan: Plan, slots: number, chance: Prng) {
    this.#host = host;
    this.#plan = plan;
    this.#chance = chance;
    this.ports = Array.from({ length: slots }, (_, slot) => new Port(slot));
    this.#severedUntilMs = this.ports.map(() => this.ports.map(() => 0));
  }

  get recorded(): readonly string[] {
    return this.#recorded;
  }

  /** Publishes a frame; `settle` hears what came of it, unless it is `undefined`. */
  publish(port: Port, frame: string, settle: ((outcome: SendOutcome) => void) | undefined): void {
    const { nowMs } = this.#host;
    const { faults } = this.#plan;
    if (!port.attached) {
      if (settle) this.#host.at(nowMs, () => settle('unconfirmed'));
      return;
    }
    this.#record(frame);
    const atBrokerMs = this.#upAt(port);
    if (this.#isLostUp(port, atBrokerMs)) {
      // A broker that dies after its confirmation loses what it confirmed.
      const lies = faults.has('unconfirmed') && this.#chance.chance(0.5);
      if (settle)
        this.#host.at(nowMs + (lies ? 20 : UNCONFIRMED_AFTER_MS), () =>
          settle(lies ? 'accepted' : 'unconfirmed'),
        );
      return;
    }
    const written = port.isNewer ? frame.replace('{"v":1,', '{"v":2,') : frame;
    this.#fanOut(port.slot, atBrokerMs, { type: 'frame', frame: written });
    if (settle) this.#confirm(port, atBrokerMs, settle);
  }

  /** A person or a plain program says something on the channel. */
  say(message: ForeignText): void {
    this.#fanOut(undefined, this.#host.nowMs, { type: 'foreign', message });
  }

  /** The broker hands `frame` to one receiver, or to all. */
  inject(frame: string, to?: Port): void {
    for (const port of to === undefined ? this.ports : [to]) {
      this.#deliver(port, this.#host.nowMs, { type: 'frame', frame });
    }
  }

  /** `from` is not heard by `to` until `untilMs`. */
  sever(from: number, to: number, untilMs: number): void {
    const row = this.#severedUntilMs[from];
    if (row !== undefined) row[to] = Math.max(row[to] ?? 0, untilMs);
  }

  /** A node attaches for the first time, or after a crash. */
  attach(port: Port, client: Attached): void {
    port.client = client;
    port.session += 1;
    port.attached = true;
    port.keeps = undefined;
    port.held = undefined;
  }

  /** A node lets go of its session, and will attach again. */
  detach(port: Port): void {
    port.attached = false;
    port.session += 1;
    port.keeps = undefined;
    port.held = undefined;
  }

  /** The node is gone. */
  remove(port: Port): void {
    port.client = undefined;
    port.attached = false;
    port.session += 1;
  }

  /** The line breaks; it is made anew after `awayMs`, with the same session or with a new one. */
  interrupt(port: Port, awayMs: number, session: 'new' | 'resumed'): void {
    const { client } = port;
    if (client === undefined || !port.attached) return;
    port.attached = false;
    if (session === 'new') port.session += 1;
    else port.keeps = [];
    client.interrupted();
    this.#host.at(this.#host.nowMs + awayMs, () => {
      if (port.client === client && !port.attached) this.#attachAgain(port, client);
    });
  }

  /** The broker dies and forgets everything. */
  restart(awayMs: () => number): void {
    this.#generation += 1;
    for (const port of this.ports) {
      port.held = undefined;
      this.interrupt(port, awayMs(), 'new');
    }
  }

  /** Nothing arrives at the node until `untilMs`; it comes all at once then, or the oldest is dropped. */
  clog(port: Port, untilMs: number, limit: number = Number.POSITIVE_INFINITY): void {
    port.downCloggedUntilMs = Math.max(port.downCloggedUntilMs, untilMs);
    port.heldLimit = limit;
    port.held ??= [];
    this.#host.at(port.downCloggedUntilMs, () => {
      this.#unclog(port);
    });
  }

  /** From now on nothing is lost, and nothing is late. */
  heal(): void {
    this.#healed = true;
    const { nowMs } = this.#host;
    for (const row of this.#severedUntilMs) row.fill(0);
    for (const port of this.ports) {
      port.upBlockedUntilMs = 0;
      port.downBlockedUntilMs = 0;
      port.burstUntilMs = 0;
      port.upCloggedUntilMs = Math.min(port.upCloggedUntilMs, nowMs);
      port.downCloggedUntilMs = Math.min(port.downCloggedUntilMs, nowMs);
      this.#unclog(port);
      const { client } = port;
      if (client !== undefined && !port.attached) this.#attachAgain(port, client);
    }
  }

  #attachAgain(port: Port, client: Attached): void {
    const kept = port.keeps;
    port.attached = true;
    port.keeps = undefined;
    client.attached(kept !== undefined);
    for (const parcel of kept ?? []) this.#deliver(port, this.#host.nowMs, parcel);
  }

  #unclog(port: Port): void {
    const { held } = port;
    if (held === undefined || this.#host.nowMs < port.downCloggedUntilMs) return;
    port.held = undefined;
    const dropped = held.length - port.heldLimit;
    if (dropped > 0) {
      held.splice(0, dropped);
      this.#host.count('queue overflow');
      // Some brokers own up to what they drop, some do not.
      if (this.#chance.chance(0.5)) port.client?.gap();
    }
    for (const parcel of held) this.#deliver(port, this.#host.nowMs, parcel);
  }

  #upAt(port: Port): number {
    const wanted = Math.max(this.#host.nowMs + this.#delayMs(), port.upCloggedUntilMs);
    // Not even reordering changes the order on the way up: one connection is one stream.
    port.lastUpMs = Math.max(port.lastUpMs, wanted);
    return port.lastUpMs;
  }

  #isLostUp(port: Port, atBrokerMs: number): boolean {
    if (this.#healed) return false;
    if (atBrokerMs < port.upBlockedUntilMs || this.#host.nowMs < port.upBlockedUntilMs) return true;
    return this.#plan.faults.has('loss') && this.#chance.chance(this.#plan.lossRate / 4);
  }

  #confirm(port: Port, atBrokerMs: number, settle: (outcome: SendOutcome) => void): void {
    const refused = !this.#healed && this.#plan.faults.has('unconfirmed');
    const unconfirmed = refused && this.#chance.chance(0.2);
    const rejected = refused && this.#chance.chance(0.02);
    const slow = refused && this.#chance.chance(0.3);
    const { session } = port;
    const answerMs = atBrokerMs + this.#delayMs() + (slow ? this.#chance.exponential(800) : 0);
    this.#host.at(unconfirmed ? this.#host.nowMs + UNCONFIRMED_AFTER_MS : answerMs, () => {
      const lost = unconfirmed || port.session !== session || !port.attached;
      settle(rejected ? 'rejected' : lost ? 'unconfirmed' : 'accepted');
    });
  }

  #fanOut(from: number | undefined, atBrokerMs: number, parcel: Parcel): void {
    const { faults, lossRate } = this.#plan;
    const healed = this.#healed;
    for (const port of this.ports) {
      if (port.client === undefined) continue;
      const own = port.slot === from;
      if (own && (faults.has('no-loopback') || port.isNewer)) continue;
      if (from !== undefined && !own && this.#isSevered(from, port.slot, atBrokerMs)) continue;
      const burst = atBrokerMs < port.burstUntilMs;
      if (!healed && burst && this.#chance.chance(port.burstLoss)) continue;
      if (!healed && faults.has('loss') && this.#chance.chance(lossRate)) continue;
      this.#deliver(port, atBrokerMs, parcel);
      if (!healed && faults.has('duplication') && this.#chance.chance(0.15)) {
        this.#host.count('duplicate delivered');
        this.#deliver(port, atBrokerMs + this.#chance.exponential(300), parcel);
      }
    }
  }

  #isSevered(from: number, to: number, atMs: number): boolean {
    return atMs < (this.#severedUntilMs[from]?.[to] ?? 0);
  }

  /** On its way from the broker, where it arrived at `atBrokerMs`, to one node. */
  #deliver(port: Port, atBrokerMs: number, parcel: Parcel): void {
    let atMs = atBrokerMs + this.#delayMs();
    if (this.#healed || !this.#plan.faults.has('reordering')) {
      atMs = Math.max(atMs, port.lastDownMs);
      port.lastDownMs = atMs;
    }
    const { session, client } = port;
    const generation = this.#generation;
    this.#host.at(atMs, () => {
      if (generation !== this.#generation || port.session !== session) return;
      if (port.client === client) this.#arrive(port, parcel);
    });
  }

  #arrive(port: Port, parcel: Parcel): void {
    const { client } = port;
    if (client === undefined || this.#host.nowMs < port.downBlockedUntilMs) return;
    if (port.held !== undefined) port.held.push(parcel);
    else if (!port.attached) port.keeps?.push(parcel);
    else if (parcel.type === 'frame') client.frame(parcel.frame);
    else client.foreign(parcel.message);
  }

  #delayMs(): number {
    const mean = this.#plan.latencyMs;
    if (this.#healed) return mean;
    const far = this.#plan.faults.has('heavy-tail') && this.#chance.chance(0.05);
    return 0.2 + (far ? this.#chance.exponential(20 * mean + 500) : this.#chance.exponential(mean));
  }

  #record(frame: string): void {
    if (!this.#plan.faults.has('replay')) return;
    this.#recorded.push(frame);
    if (this.#recorded.length > RECORDED) this.#recorded.shift();
  }
}
