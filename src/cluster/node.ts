import type { InvalidationBus } from '../bus/invalidation-bus.ts';
import { Coherence } from '../protocol/coherence.ts';
import type { CallResult, Cause, Effect } from '../protocol/effect.ts';
import type { Input, Wait } from '../protocol/input.ts';
import { LIMITS } from '../protocol/limits.ts';
import type { Origin } from '../protocol/message.ts';
import { isEmptySelection, wholeRegionsOf, type Selection } from '../protocol/selection.ts';
import type { Settings } from '../protocol/settings.ts';
import { BusLine } from './bus-line.ts';
import { closedBeforeReady, ReadyWaiters } from './ready-waiters.ts';
import { RegionBoard } from './region-board.ts';
import type { RegionTarget, RegionTrust } from './region.ts';
import type { Runtime } from './runtime.ts';
import type { Siblings } from './siblings.ts';
import { tell } from './telemetry.ts';
import { TurnCalls } from './turn-calls.ts';
import { WakeTimer } from './wake-timer.ts';

/** Drives the protocol: what the bus and the application say goes in, what is to be done comes out and is done. */
export class ClusterNode {
  readonly settings: Settings;
  readonly runtime: Runtime;
  readonly core: Coherence;
  readonly line: BusLine;
  readonly regions: RegionBoard;
  readonly #siblings: Siblings | undefined;
  /** Where what is heard here is dropped. */
  readonly #reach: Pick<Siblings, 'apply' | 'flush'>;
  readonly #calls = new Map<number, (result: CallResult) => void>();
  readonly #features: string[] = [];
  readonly #readyWaiters = new ReadyWaiters();
  readonly #timer: WakeTimer;
  /** Inputs that come while a step's effects are being carried out: taken after it, in order. */
  readonly #queue: Input[] = [];
  readonly #turn = new TurnCalls();
  #stepping = false;
  #turnEndDue = false;
  #nextCall = 1;
  #ended = false;
  #saidBye = false;

  /** With `siblings` it is one of several nodes of this process, each on a channel of its own. */
  constructor(settings: Settings, runtime: Runtime, siblings?: Siblings) {
    this.settings = { ...settings, features: this.#features };
    this.runtime = runtime;
    this.line = new BusLine(runtime, {
      step: (input) => {
        this.step(input);
      },
      onContinuity: (event) => {
        tell('unstale:continuity', { cluster: settings.cluster, node: this.origin, event });
      },
    });
    this.regions = new RegionBoard(settings.maxStalenessMs);
    this.#siblings = siblings;
    this.#reach = siblings ?? this.regions;
    this.#timer = new WakeTimer(runtime, () => {
      this.step({ type: 'timer' });
    });
    this.core = new Coherence({
      settings: this.settings,
      random: () => runtime.random(),
      gathersTurns: runtime.endTurn !== undefined,
      now: runtime.now(),
    });
  }

  get origin(): Origin {
    return this.core.origin;
  }

  /** It has said bye: nothing can be published any more, although it may linger to answer requests for repair. */
  get ended(): boolean {
    return this.#saidBye || this.#ended;
  }

  /**
   * Opens the bus; from then on what it says is heard here.
   * @throws {BusError} of the bus's `open`
   */
  async open(bus: InvalidationBus, signal?: AbortSignal): Promise<void> {
    await this.line.open(bus, signal);
  }

  addTarget(region: string, target: RegionTarget): RegionTrust {
    const trust = this.regions.add(region, target);
    this.step({ type: 'region', region });
    return trust;
  }

  /** Refuses what is new from now on; what is under way comes to its end. */
  retire(): void {
    this.#saidBye = true;
  }

  /** Tells the others, with the next beat, of something about this node that they must know. */
  announce(feature: string): void {
    if (!this.#features.includes(feature)) this.#features.push(feature);
  }

  /** Numbers, applies and publishes; resolves when `wait` is satisfied. `traceparent` travels with it, for tracing. */
  invalidate(selection: Selection, wait: Wait, traceparent?: string): Promise<CallResult> {
    if (isEmptySelection(selection)) return Promise.resolve(NOTHING_TO_DO);
    const plain = wait.for === 'bus' && wait.timeoutMs === undefined && traceparent === undefined;
    if (plain && this.runtime.endTurn !== undefined && !this.ended) return this.#gather(selection);
    return this.#call((call) => ({ type: 'invalidate', call, selection, wait, traceparent }));
  }

  /** Applies without publishing: for changes that every node hears of by other means. */
  applyLocally(selection: Selection): void {
    this.regions.apply(selection, LOCAL);
  }

  /** Reserves a number for a write that is about to start; returns the guard to release it with. */
  reserve(selection: Selection): number {
    const guard = this.#nextCall;
    this.#nextCall += 1;
    this.step({ type: 'reserve', guard, selection });
    return guard;
  }

  release(
    guard: number,
    selection: Selection,
    wait: Wait,
    traceparent?: string,
  ): Promise<CallResult> {
    return this.#call((call) => ({ type: 'release', guard, call, selection, wait, traceparent }));
  }

  /**
   * Resolves once this node knows whom to require and is required by all of them (MEM-3).
   * @throws the reason of the abort; {BusError} `BUS_NOT_OPEN` if the node is closed before
   */
  async ready(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#ended) throw closedBeforeReady();
    if (!this.core.members.ready) await this.#readyWaiters.wait(signal);
  }

  /**
   * Says bye and lets go of the bus. What the broker has not accepted by then, and guarded writes under way,
   * are given `flushMs`.
   */
  async close(options: {
    readonly flushMs: number;
    readonly lingerMs: number;
    /** This process may still publish on another channel: then no bye is said. */
    readonly stays?: () => boolean;
  }): Promise<void> {
    if (this.#ended) return;
    this.#takeTurn();
    if (this.line.isOpen) {
      await this.flushed(options.flushMs);
      const { members, publisher } = this.core;
      const told = members.size > 0 && publisher.seq > 0;
      this.#saidBye = true;
      this.step({ type: 'leave', silent: options.stays?.() ?? false });
      // Somebody may miss something of what was published last.
      if (told && this.line.isOpen) await this.#sleep(options.lingerMs);
    }
    this.step({ type: 'leave' });
    this.#ended = true;
    this.#timer.stop();
    for (const settle of this.#calls.values()) settle(APPLIED_HERE);
    this.#calls.clear();
    this.#readyWaiters.fail(closedBeforeReady());
    await this.line.close();
  }

  step(input: Input): void {
    if (this.#ended) return;
    this.#queue.push(input);
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        for (const effect of this.core.step(next, this.runtime.now())) this.#carryOut(effect);
      }
    } finally {
      this.#stepping = false;
      if (!this.#ended) this.#timer.set(this.core.wakeAtMs);
      if (this.core.publisher.pumpDue) this.#atEndOfTurn();
    }
  }

  /** Applies at once, and publishes at the end of the turn with whatever else is invalidated in it (group commit). */
  #gather(selection: Selection): Promise<CallResult> {
    this.#apply(selection, LOCAL);
    const published = this.#turn.add(selection);
    if (this.#turn.size >= LIMITS.batchKeys) this.#takeTurn();
    else this.#atEndOfTurn();
    return published;
  }

  /** Hands over to the protocol what was gathered; with `endsTurn` it goes out at once. */
  #takeTurn(endsTurn = false): void {
    const gathered = this.#turn.take();
    if (gathered === undefined) return;
    const { selection, callers, settle } = gathered;
    const call = this.#number(settle);
    const turn = { callers, applied: true, endsTurn };
    this.step({ type: 'invalidate', call, selection, wait: FOR_BUS, ...turn });
  }

  #atEndOfTurn(): void {
    if (this.#turnEndDue) return;
    this.#turnEndDue = true;
    this.runtime.endTurn?.(() => {
      this.#takeTurn(true);
      this.#turnEndDue = false;
      if (this.core.publisher.pumpDue) this.step({ type: 'turn-end' });
    });
  }

  #call(input: (call: number) => Input): Promise<CallResult> {
    // After the end nothing is published any more, and says so.
    if (this.#ended) return Promise.resolve(APPLIED_HERE);
    return new Promise((resolve) => {
      this.step(input(this.#number(resolve)));
    });
  }

  #number(settle: (result: CallResult) => void): number {
    const call = this.#nextCall;
    this.#nextCall += 1;
    this.#calls.set(call, settle);
    return call;
  }

  #carryOut(effect: Effect): void {
    const { cluster } = this.settings;
    switch (effect.type) {
      case 'send':
        this.line.send(effect.id, effect.frame, effect.summary);
        return;
      case 'apply':
        this.#apply(effect.selection, effect.cause);
        return;
      case 'fence':
        this.#reach.flush(effect.regions, effect.cause);
        return;
      case 'shard':
        this.#siblings?.told(effect);
        return;
      case 'quarantine':
        this.regions.quarantine(effect.guard, effect.selection);
        return;
      case 'lift':
        this.regions.lift(effect.guard);
        return;
      case 'proof':
        this.regions.prove(effect.region, effect.atMs);
        return;
      case 'bound':
        this.regions.bound(effect.boundMs);
        return;
      case 'settle': {
        const settle = this.#calls.get(effect.call);
        this.#calls.delete(effect.call);
        settle?.(effect.result);
        return;
      }
      case 'report':
        tell('unstale:report', { cluster, node: this.origin, report: effect.report });
        if (effect.report.type === 'ready') this.#readyWaiters.done();
    }
  }

  #apply(selection: Selection, cause: Cause): void {
    this.#reach.apply(this.line.overloaded ? wholeRegionsOf(selection) : selection, cause);
    const { cluster } = this.settings;
    tell('unstale:applied', { cluster, node: this.origin, selection, cause });
  }

  /** Waits until the broker has accepted everything and no guarded write is under way; at most `flushMs`. */
  async flushed(flushMs: number): Promise<void> {
    this.#takeTurn();
    const endMs = this.runtime.now().monoMs + flushMs;
    const { core, line } = this;
    while (line.isOpen && this.runtime.now().monoMs < endMs) {
      if (core.publisher.unsent + core.publisher.guards === 0) return;
      await this.#sleep(FLUSH_CHECK_MS);
    }
  }

  #sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.runtime.setTimer(resolve, delayMs);
    });
  }
}

/** How often closing looks whether everything has been accepted. */
const FLUSH_CHECK_MS = 10;
const LOCAL: Cause = { by: 'local' };
const FOR_BUS: Wait = { for: 'bus' };
const NOTHING_TO_DO: CallResult = { by: 'bus', acked: [], missing: [] };
const APPLIED_HERE: CallResult = { by: 'local', acked: [], missing: [] };
