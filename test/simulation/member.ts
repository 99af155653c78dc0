import { RegionBoard } from '../../src/cluster/region-board.ts';
import { Coherence } from '../../src/protocol/coherence.ts';
import type { CallResult, Effect } from '../../src/protocol/effect.ts';
import type { ForeignText, Input, SendOutcome, Wait } from '../../src/protocol/input.ts';
import type { Origin } from '../../src/protocol/message.ts';
import type { Selection } from '../../src/protocol/selection.ts';
import type { Settings } from '../../src/protocol/settings.ts';
import type { Attached, Port } from './network.ts';
import type { NodeClock } from './node-clock.ts';
import { SimCache } from './sim-cache.ts';
import type { Witness } from './witness.ts';
import type { World } from './world.ts';

type State = 'running' | 'paused' | 'leaving' | 'ended';

/**
 * One incarnation of a node: the production core, region board and store, driven by the virtual clock.
 * The production shell does the same with promises and real timers.
 */
export class Member implements Attached {
  readonly name: string;
  readonly port: Port;
  readonly clock: NodeClock;
  readonly core: Coherence;
  readonly settings: Settings;
  readonly witness: Witness;
  readonly caches: ReadonlyMap<string, SimCache>;
  readonly #world: World;
  readonly #board: RegionBoard;
  readonly #calls = new Map<number, (result: CallResult) => void>();
  readonly #atEnd: (() => void)[] = [];
  #nextCall = 1;
  #state: State = 'running';
  /** What happened while it was paused: taken in order afterwards. */
  #backlog: (() => void)[] = [];
  /** Tells the timer that counts from those that were replaced. */
  #timer = 0;
  #timerAtMonoMs: number = Number.POSITIVE_INFINITY;
  #origin: Origin;

  constructor(
    world: World,
    options: {
      readonly name: string;
      readonly port: Port;
      readonly clock: NodeClock;
      readonly settings: Settings;
      readonly witness: Witness;
      readonly random: () => number;
    },
  ) {
    this.#world = world;
    this.name = options.name;
    this.port = options.port;
    this.clock = options.clock;
    this.settings = options.settings;
    this.witness = options.witness;
    this.core = new Coherence({
      settings: options.settings,
      random: options.random,
      now: this.clock.instant(world.nowMs),
      decode: world.decode,
    });
    this.#origin = this.core.origin;
    this.#board = new RegionBoard(options.settings.maxStalenessMs);
    this.caches = new Map(world.plan.regions.map((region) => [region, this.#makeCache(region)]));
    world.born(this, this.core.origin);
  }

  get origin(): Origin {
    return this.#origin;
  }

  /** Its process exists and it has not said that it leaves. */
  get works(): boolean {
    return this.#state === 'running' || this.#state === 'paused';
  }

  get isRunning(): boolean {
    return this.#state === 'running';
  }

  get isPaused(): boolean {
    return this.#state === 'paused';
  }

  /** Attaches to the bus and takes part. */
  start(): void {
    for (const region of this.#world.plan.regions) this.#step({ type: 'region', region });
    this.#world.network.attach(this.port, this);
    this.#step({ type: 'bus', event: 'opened' });
  }

  /** Does it now, after the pause, or never. */
  do(action: () => void): void {
    if (this.#state === 'ended') return;
    if (this.#state === 'paused') this.#backlog.push(action);
    else action();
  }

  frame(frame: string): void {
    this.do(() => {
      this.#step({ type: 'frame', frame });
    });
  }

  foreign(message: ForeignText): void {
    this.do(() => {
      this.#step({ type: 'foreign', message });
    });
  }

  interrupted(): void {
    this.do(() => {
      this.#step({ type: 'bus', event: 'interrupted' });
    });
  }

  attached(lossless: boolean): void {
    this.do(() => {
      this.#step({ type: 'bus', event: lossless ? 'lossless' : 'discontinuity' });
    });
  }

  gap(): void {
    this.do(() => {
      this.#step({ type: 'bus', event: 'discontinuity' });
    });
  }

  invalidate(selection: Selection, wait: Wait, settled: (result: CallResult) => void): void {
    const call = this.#call(settled);
    this.#step({ type: 'invalidate', call, selection, wait });
  }

  reserve(selection: Selection): number {
    const guard = this.#nextCall;
    this.#nextCall += 1;
    this.#step({ type: 'reserve', guard, selection });
    return guard;
  }

  release(
    guard: number,
    selection: Selection,
    wait: Wait,
    settled: (result: CallResult) => void,
  ): void {
    const call = this.#call(settled);
    this.#step({ type: 'release', guard, call, selection, wait });
  }

  /** Its process stands still; what comes meanwhile waits, and afterwards the timers run first. */
  pause(untilMs: number, frozen = false): void {
    if (this.#state !== 'running') return;
    this.#state = 'paused';
    if (frozen) this.clock.freeze(this.#world.nowMs);
    this.#world.at(untilMs, () => {
      this.resume();
    });
  }

  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    this.clock.thaw(this.#world.nowMs);
    this.#timerAtMonoMs = Number.POSITIVE_INFINITY;
    this.#timer += 1;
    const { monoMs } = this.clock.instant(this.#world.nowMs);
    if (this.core.wakeAtMs <= monoMs) this.#step({ type: 'timer' });
    else this.#setTimer();
    const backlog = this.#backlog;
    this.#backlog = [];
    for (const action of backlog) this.do(action);
  }

  crash(): void {
    if (this.#state === 'ended') return;
    this.#end();
    this.#world.trace.line(this.#world.nowMs, () => `${this.name} is killed`);
  }

  /** Says bye, and stays a little to answer requests for repair. */
  leave(lingerMs: number): void {
    if (this.#state !== 'running') return;
    this.#state = 'leaving';
    this.#step({ type: 'leave' });
    this.#world.at(this.#world.nowMs + lingerMs, () => {
      this.#end();
    });
  }

  /** Calls `action` when its process ends, unless it has been running for long since. */
  atEnd(action: () => void): void {
    this.#atEnd.push(action);
    if (this.#atEnd.length > 64) this.#atEnd.shift();
  }

  localMs(): number {
    return this.clock.localMs(this.#world.nowMs);
  }

  #end(): void {
    this.#state = 'ended';
    this.#backlog = [];
    for (const action of this.#atEnd) action();
    this.#world.ended(this);
  }

  #call(settled: (result: CallResult) => void): number {
    const call = this.#nextCall;
    this.#nextCall += 1;
    this.#calls.set(call, settled);
    return call;
  }

  #step(input: Input): void {
    const world = this.#world;
    const now = this.clock.instant(world.nowMs);
    const effects = this.core.step(input, now);
    if (this.core.origin !== this.#origin) {
      this.#origin = this.core.origin;
      world.born(this, this.#origin);
    }
    world.ledgers.get(this.#origin)?.assigned(this.core.publisher.seq, world.nowMs);
    for (const effect of effects) this.#carryOut(effect, now.localMs);
    this.#setTimer();
    world.stepped(this, input, effects);
  }

  #carryOut(effect: Effect, localMs: number): void {
    switch (effect.type) {
      case 'send':
        this.#send(effect.id, effect.frame, localMs);
        return;
      case 'apply':
        this.#board.apply(effect.selection, effect.cause);
        return;
      case 'fence':
        this.#board.flush(effect.regions, effect.cause);
        return;
      case 'quarantine':
        this.#board.quarantine(effect.guard, effect.selection);
        return;
      case 'lift':
        this.#board.lift(effect.guard);
        return;
      case 'proof':
        this.#board.prove(effect.region, effect.atMs);
        return;
      case 'bound':
        this.#board.bound(effect.boundMs);
        return;
      case 'settle': {
        const settled = this.#calls.get(effect.call);
        this.#calls.delete(effect.call);
        settled?.(effect.result);
        return;
      }
      case 'report':
        this.#world.reported(this, effect.report);
    }
  }

  #send(id: number, frame: string, localMs: number): void {
    const message = this.#world.sent(this, frame);
    if (message === 'beat') this.witness.emitted(localMs, this.#world.nowMs);
    // The core ignores what becomes of a control frame.
    const carriesBatch = message === 'inv' || message === 'rep';
    const settle = (outcome: SendOutcome): void => {
      this.do(() => {
        this.#step({ type: 'sent', id, outcome });
      });
    };
    this.#world.network.publish(this.port, frame, carriesBatch ? settle : undefined);
  }

  #setTimer(): void {
    const atMs = this.core.wakeAtMs;
    if (this.#timerAtMonoMs <= atMs || atMs === Number.POSITIVE_INFINITY) return;
    const { nowMs } = this.#world;
    this.#timerAtMonoMs = atMs;
    this.#timer += 1;
    const timer = this.#timer;
    // Node's timers are whole milliseconds, and never early.
    const delayMs = Math.max(1, Math.ceil(atMs - this.clock.monoMs(nowMs)));
    this.#world.at(this.clock.afterMs(nowMs, delayMs) + this.#world.timerLatenessMs(), () => {
      if (timer !== this.#timer || this.#state === 'ended' || this.#state === 'paused') return;
      this.#timerAtMonoMs = Number.POSITIVE_INFINITY;
      this.#step({ type: 'timer' });
    });
  }

  #makeCache(region: string): SimCache {
    const cache = new SimCache({
      name: this.name,
      region,
      plan: this.#world.plan,
      ticketsProtect: this.settings.protections.tickets,
      complain: this.#world.complain,
      localMs: () => this.localMs(),
    });
    cache.follow(this.#board.add(region, cache));
    return cache;
  }
}
