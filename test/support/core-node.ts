import { Coherence } from '../../src/protocol/coherence.ts';
import type { CallResult, Effect } from '../../src/protocol/effect.ts';
import type { ForeignText, Input, SendOutcome, Wait } from '../../src/protocol/input.ts';
import type { Instant } from '../../src/protocol/instant.ts';
import type { Origin } from '../../src/protocol/message.ts';
import type { Report } from '../../src/protocol/report.ts';
import type { Selection } from '../../src/protocol/selection.ts';
import type { Settings } from '../../src/protocol/settings.ts';
import type { Prng } from '../simulation/prng.ts';
import { frameOf, type CoreNetwork, type SentMessage } from './core-network.ts';

type Effects<Type extends Effect['type']> = Extract<Effect, { type: Type }>;

/** A call of the application, and what has come of it so far. */
export interface NodeCall {
  result: CallResult | undefined;
  settledAtMs: number | undefined;
}

/** One core on the network, and what it has done. */
export class CoreNode {
  readonly core: Coherence;
  readonly settings: Settings;
  readonly #network: CoreNetwork;
  /** All its effects, with the time. */
  readonly #history: { readonly atMs: number; readonly effect: Effect }[] = [];
  readonly #calls = new Map<number, NodeCall>();
  /** Frames that the bus has not settled. */
  readonly #unsettled = new Set<number>();
  readonly #proofs = new Map<string, number>();
  #attached = false;
  #ended = false;
  #nextId = 1;
  #timerAtMs = Number.POSITIVE_INFINITY;
  /** What its clocks show beyond the true time. */
  readonly clock = { monoMs: 0, localMs: 0, wallMs: 1_700_000_000_000 };
  /** While it is paused nothing happens to it; its timers come first afterwards. */
  #paused: (() => void)[] | undefined;

  constructor(
    network: CoreNetwork,
    options: {
      readonly settings: Settings;
      readonly random: Prng;
      readonly firstSeq: number | undefined;
    },
  ) {
    this.#network = network;
    this.settings = options.settings;
    const { firstSeq } = options;
    this.core = new Coherence({
      settings: options.settings,
      random: () => options.random.next(),
      now: this.now,
      decode: network.decode,
      ...(firstSeq === undefined ? {} : { firstSeq }),
    });
    this.step({ type: 'region', region: 'things' });
  }

  get origin(): Origin {
    return this.core.origin;
  }

  get attached(): boolean {
    return this.#attached && !this.#ended;
  }

  get now(): Instant {
    const { nowMs } = this.#network;
    const { monoMs, localMs, wallMs } = this.clock;
    return {
      monoMs: nowMs + monoMs,
      localMs: nowMs + monoMs + localMs,
      wallMs: nowMs + wallMs,
    };
  }

  /** How old its proof of a region is, in ms; `Infinity`: there is none. */
  proofAgeMs(region = 'things'): number {
    return this.now.localMs - (this.#proofs.get(region) ?? Number.NEGATIVE_INFINITY);
  }

  /** Effects of one type since `forgetHistory`, in order. */
  effects<Type extends Effect['type']>(type: Type): Effects<Type>[] {
    return this.#history.map(({ effect }) => effect).filter((effect) => isOf(effect, type));
  }

  /** Reports of one type since `forgetHistory`, in order. */
  reports<Type extends Report['type']>(type: Type): Extract<Report, { type: Type }>[] {
    return this.effects('report')
      .map(({ report }) => report)
      .filter((report) => isReport(report, type));
  }

  /** Whether `key` was dropped, by name or by a fence, since `forgetHistory`. */
  dropped(key: string, region = 'things'): boolean {
    return this.#history.some(({ effect }) => {
      if (effect.type === 'fence')
        return effect.regions === 'all' || effect.regions.includes(region);
      if (effect.type !== 'apply') return false;
      const { selection } = effect;
      return (
        selection.all === true ||
        selection.regions?.includes(region) === true ||
        selection.keys?.[region]?.includes(key) === true
      );
    });
  }

  forgetHistory(): void {
    this.#history.length = 0;
  }

  attach(event: 'opened' | 'lossless' | 'discontinuity' = 'discontinuity'): void {
    this.#attached = true;
    this.step({ type: 'bus', event });
  }

  /** The line is cut, and the node knows it: what was not confirmed by now never will be. */
  cut(): void {
    this.#attached = false;
    this.step({ type: 'bus', event: 'interrupted' });
    for (const id of this.#unsettled) this.settle(id, 'unconfirmed');
  }

  /** It is killed. */
  kill(): void {
    this.#ended = true;
  }

  pause(durationMs: number): void {
    this.#paused = [];
    this.#network.at(this.#network.nowMs + durationMs, () => {
      const waiting = this.#paused ?? [];
      this.#paused = undefined;
      if (this.core.wakeAtMs <= this.now.monoMs) this.step({ type: 'timer' });
      for (const happen of waiting) happen();
    });
  }

  hear(frame: string): void {
    this.step({ type: 'frame', frame });
  }

  /** Hears a message of somebody who is not simulated. */
  hearOf(message: SentMessage): void {
    this.hear(frameOf(message, this.settings.cluster));
  }

  hearForeign(message: ForeignText): void {
    this.step({ type: 'foreign', message });
  }

  settle(id: number, outcome: SendOutcome): void {
    if (!this.#unsettled.delete(id)) return;
    this.step({ type: 'sent', id, outcome });
  }

  invalidate(keys: readonly string[], wait: Wait = { for: 'bus' }): NodeCall {
    return this.invalidateAll({ keys: { things: keys } }, wait);
  }

  invalidateAll(selection: Selection, wait: Wait = { for: 'bus' }): NodeCall {
    const { id, call } = this.#call();
    this.step({ type: 'invalidate', call: id, selection, wait });
    return call;
  }

  /** A guarded write starts; returns what ends it. */
  reserve(keys: readonly string[]): {
    readonly release: (keys?: readonly string[], wait?: Wait) => NodeCall;
  } {
    const { id: guard } = this.#call();
    this.step({ type: 'reserve', guard, selection: { keys: { things: keys } } });
    return {
      release: (changed = keys, wait = { for: 'bus' }) => {
        const { id, call } = this.#call();
        const selection = changed.length === 0 ? {} : { keys: { things: changed } };
        this.step({ type: 'release', guard, call: id, selection, wait });
        return call;
      },
    };
  }

  leave(): void {
    this.step({ type: 'leave' });
  }

  tick(): void {
    this.step({ type: 'timer' });
  }

  step(input: Input): void {
    if (this.#ended) return;
    if (this.#paused !== undefined) {
      this.#paused.push(() => {
        this.step(input);
      });
      return;
    }
    for (const effect of this.core.step(input, this.now)) this.#carryOut(effect);
    if (input.type === 'timer' && this.core.wakeAtMs <= this.now.monoMs)
      throw new Error('it wants to be called again at once: that would never end');
    this.#setTimer();
  }

  #carryOut(effect: Effect): void {
    const atMs = this.#network.nowMs;
    this.#history.push({ atMs, effect });
    if (effect.type === 'proof') this.#proofs.set(effect.region, effect.atMs);
    if (effect.type === 'settle') {
      const call = this.#calls.get(effect.call);
      if (call === undefined) return;
      if (call.result !== undefined) throw new Error('a call was settled twice');
      call.result = effect.result;
      call.settledAtMs = atMs;
    }
    if (effect.type !== 'send') return;
    this.#unsettled.add(effect.id);
    if (this.attached) this.#network.publish(this, effect.id, effect.frame);
    else throw new Error('a node sent something although its bus is away');
  }

  #call(): { readonly id: number; readonly call: NodeCall } {
    const id = this.#nextId;
    this.#nextId += 1;
    const call: NodeCall = { result: undefined, settledAtMs: undefined };
    this.#calls.set(id, call);
    return { id, call };
  }

  #setTimer(): void {
    const { wakeAtMs } = this.core;
    if (wakeAtMs === Number.POSITIVE_INFINITY || wakeAtMs >= this.#timerAtMs) return;
    this.#timerAtMs = wakeAtMs;
    const delayMs = Math.max(0, wakeAtMs - this.now.monoMs);
    this.#network.at(this.#network.nowMs + delayMs, () => {
      if (this.#timerAtMs !== wakeAtMs) return;
      this.#timerAtMs = Number.POSITIVE_INFINITY;
      if (this.#paused === undefined) this.step({ type: 'timer' });
    });
  }
}

function isOf<Type extends Effect['type']>(effect: Effect, type: Type): effect is Effects<Type> {
  return effect.type === type;
}

function isReport<Type extends Report['type']>(
  report: Report,
  type: Type,
): report is Extract<Report, { type: Type }> {
  return report.type === type;
}
